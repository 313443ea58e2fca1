# sources/
