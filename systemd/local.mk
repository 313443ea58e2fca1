# systemd/: units of the agent. They name the program where it is installed.
UNITS = systemd/trainward.service systemd/trainward-hardened.service
USER_UNITS = systemd/trainward-user.service
EXTRA_DIST += $(UNITS:=.in) $(USER_UNITS:=.in) systemd/trainward.sysusers
CLEANFILES += $(UNITS) $(USER_UNITS)

$(UNITS) $(USER_UNITS): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) systemd && \
	$(SED) 's|@bindir[@]|$(bindir)|g' $(top_srcdir)/$@.in >$@.tmp && mv $@.tmp $@

if SYSTEMD_UNITS
all-local: $(UNITS) $(USER_UNITS)
install-data-local: $(UNITS) $(USER_UNITS)
	$(MKDIR_P) '$(DESTDIR)$(systemdsystemunitdir)' '$(DESTDIR)$(systemduserunitdir)' \
		'$(DESTDIR)$(prefix)/lib/sysusers.d'
	$(INSTALL_DATA) $(UNITS) '$(DESTDIR)$(systemdsystemunitdir)'
	$(INSTALL_DATA) $(USER_UNITS) '$(DESTDIR)$(systemduserunitdir)/trainward.service'
	$(INSTALL_DATA) $(top_srcdir)/systemd/trainward.sysusers \
		'$(DESTDIR)$(prefix)/lib/sysusers.d/trainward.conf'
uninstall-local:
	rm -f '$(DESTDIR)$(systemdsystemunitdir)/trainward.service' \
		'$(DESTDIR)$(systemdsystemunitdir)/trainward-hardened.service' \
		'$(DESTDIR)$(systemduserunitdir)/trainward.service' \
		'$(DESTDIR)$(prefix)/lib/sysusers.d/trainward.conf'
endif
