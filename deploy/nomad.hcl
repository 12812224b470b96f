# One mail a night, by Nomad's qemu driver: nomad job run deploy/nomad.hcl
# The appliance is a disk that holds its own configuration and message
# (make disk FILES=dir); the firmware is UEFI's. QEMU ends with 0 whatever
# became of the mail: the verdict is the last line of the task's output.
job "bootmail" {
  type = "batch"

  periodic {
    crons = ["0 6 * * *"]
  }

  group "mail" {
    restart {
      attempts = 0
      mode     = "fail"
    }

    # a second run could be a second mail
    reschedule {
      attempts  = 0
      unlimited = false
    }

    task "send" {
      driver = "qemu"

      artifact {
        source = "https://artifacts.example.org/bootmail.img"
      }

      config {
        image_path  = "local/bootmail.img"
        accelerator = "kvm"
        args = [
          "-bios", "/usr/share/ovmf/OVMF.fd",
          "-nodefaults", "-no-reboot", "-display", "none",
          "-serial", "stdio",
          "-netdev", "user,id=net0",
          "-device", "virtio-net-pci,netdev=net0",
          "-device", "virtio-rng-pci",
        ]
      }

      resources {
        cpu    = 100
        memory = 256
      }

      kill_timeout = "5s"
    }
  }
}
