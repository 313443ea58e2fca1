# advisories/
