# trainer/
