# scripts/install.mk: the command, for `make install`.
#
#   PREFIX, DESTDIR   where to (smtp/lib.mk); PREFIX=$HOME/.local needs no root
#   BOARD             whose image (x86_64)
#   SENDMAIL=1        it is this system's sendmail, mailq and newaliases, too
#
# A sendmail that is there already, and is not ours, is never replaced.

to := $(DESTDIR)$(PREFIX)

install:: install-command

install-command: image ## DESTDIR= PREFIX= SENDMAIL=1: bootmail, its image, manual pages
	$(q)if [ -n '$(SENDMAIL)' ]; then for f in sbin/sendmail bin/mailq \
		bin/newaliases; do \
		case $$(readlink '$(to)'/$$f) in \
		*/bootmail|bootmail) ;; \
		*) if [ -e '$(to)'/$$f ]; then \
			echo "install: $(to)/$$f is there, and not ours"; exit 1; fi ;; \
		esac; done; fi
	$(q)install -d $(addprefix '$(to)'/,bin lib/bootmail/launcher \
		lib/bootmail/$(BOARD) share/man/man1 share/man/man5 \
		share/bash-completion/completions)
	$(q)install -m 755 scripts/bootmail '$(to)'/bin
	$(q)install -m 644 scripts/launcher/*.bash '$(to)'/lib/bootmail/launcher
	$(q)install -m $(if $(filter posix,$(BOARD)),755,644) $(out)/bootmail \
		'$(to)'/lib/bootmail/$(BOARD)
	$(q)install -m 644 scripts/man/*.1 '$(to)'/share/man/man1
	$(q)install -m 644 scripts/man/*.5 '$(to)'/share/man/man5
	$(q)install -m 644 scripts/completion \
		'$(to)'/share/bash-completion/completions/bootmail
	$(q)if [ -n '$(SENDMAIL)' ]; then \
		install -d '$(to)'/sbin && \
		ln -sfn ../bin/bootmail '$(to)'/sbin/sendmail && \
		ln -sfn bootmail '$(to)'/bin/mailq && \
		ln -sfn bootmail '$(to)'/bin/newaliases; fi

.PHONY: install-command
