"""Every scenario there is: importing this registers them all."""
import records      # noqa: F401
import smuggling    # noqa: F401
import states       # noqa: F401
import starttls     # noqa: F401
import certs        # noqa: F401
import endings      # noqa: F401
import codes        # noqa: F401
import handshakes   # noqa: F401
import login        # noqa: F401
import envelope     # noqa: F401
import patience     # noqa: F401
