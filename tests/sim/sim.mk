# tests/sim/sim.mk: the simulation.  The app's side is the objects of the
# posix board as they are; the other side is one object in which only the
# functions of peer.h are visible, so that two lwIPs and two Mbed TLSs fit
# into one program.

ifeq ($(BOARD)$(SAN),posix1)
sim_o := $(out)/sim

sim_lwip := $(filter-out core/ipv4/dhcp.c,$(LWIP))
sim_mbed := $(filter-out ssl_client.c ssl_tls12_client.c ssl_tls13_client.c, \
	$(MBEDTLS)) ssl_tls12_server.c ssl_tls13_server.c x509_create.c \
	x509write.c x509write_crt.c
sim_peer := $(sim_lwip:%=$(sim_o)/lwip/%.o) $(sim_mbed:%=$(sim_o)/mbedtls/%.o) \
	$(patsubst %,$(sim_o)/%.o,$(wildcard tests/sim/peer/*.c))
sim_ours := $(patsubst %,$(sim_o)/%.o,$(wildcard tests/sim/*.c)) \
	$(patsubst %,$(out)/%.o,$(wildcard smtp/server/*.c))
sim_app  := $(filter-out $(out)/board/%,$(all)) \
	$(out)/board/posix/absent.c.o

sim_base := -std=c11 -g -O2 -fPIE -ffunction-sections $(paths) \
	-fdebug-compilation-dir=. -DMBEDTLS_CONFIG_FILE='<peer_mbedtls.h>' \
	-Itests/sim/peer -Qunused-arguments

$(sim_o)/lwip/%.o: $(LWIP_DIR)/src/% $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,sim/lwip/$*)$(CC) $(sim_base) -fno-strict-aliasing \
		-I$(LWIP_DIR)/src/include -MMD -MP -c $< -o $@
$(sim_o)/mbedtls/%.o: $(MBEDTLS_DIR)/library/% $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,sim/mbedtls/$*)$(CC) $(sim_base) \
		-I$(MBEDTLS_DIR)/include -I$(MBEDTLS_DIR)/library $(if \
		$(filter $(MBEDTLS_SIMD_FILES),$*),$(MBEDTLS_SIMD)) \
		-MMD -MP -c $< -o $@
$(sim_o)/tests/sim/peer/%.o: tests/sim/peer/% $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,$<)$(CC) $(sim_base) $(warn) \
		$(LWIP_INC) -isystem $(MBEDTLS_DIR)/include -MMD -MP -c $< -o $@
$(sim_o)/tests/sim/%.o: tests/sim/% $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,$<)$(CC) $(common) -O1 $(warn) -D_GNU_SOURCE \
		-Itests/sim -Ismtp -Ismtp/server -Ikernel -Ikernel/virtio -Iboard \
		-MMD -MP -c $< -o $@
$(patsubst %,$(out)/%.o,$(wildcard smtp/server/*.c)): $(out)/%.o: % $(out)/flags
	$(q)mkdir -p $(@D)
	$(q)$(call say,CC,$<)$(CC) $(common) $(own) $(I.smtp/server) -MMD -MP \
		-c $< -o $@

$(sim_o)/peer.o: $(sim_peer)
	$(q)$(call say,LD,$@)ld.lld -r -o $(sim_o)/all.o $^
	$(q)$(OBJCOPY) --wildcard --keep-global-symbol='peer_*' \
		$(sim_o)/all.o $@
# sim.objects: for tests that link it again with one of them changed
$(out)/sim/sim: $(sim_ours) $(sim_app) $(sim_o)/peer.o
	$(q)printf '%s\n' $^ >$@.objects
	$(q)$(call say,LD,$@)$(link) -o $@ $^
-include $(wildcard $(sim_peer:.o=.d) $(sim_ours:.o=.d))
endif

.PHONY: sim sim-build
sim_run := nice $(BUILD)/posix-asan/sim/sim
sim: sim-build ## 20000 deliveries in a simulated world: its README (SEED=n LOSS=n CUTS=1)
	$(q)$(if $(ARGS),$(sim_run) $(ARGS),$(if $(SEED),$(sim_run) --seed $(SEED) \
		$(LOSS:%=--loss %) -v --shrink,$(if $(LOSS),$(sim_run) --loss $(LOSS),\
		$(if $(CUTS),$(sim_run) --cuts,$(sim_run) && $(sim_run) --table && \
		$(sim_run) --torture))))
sim-build:
	$(q)scripts/setup --for test
	$(q)$(MAKE) image BOARD=posix SAN=1
	$(q)$(MAKE) $(jobs) $(BUILD)/posix-asan/sim/sim BOARD=posix SAN=1
