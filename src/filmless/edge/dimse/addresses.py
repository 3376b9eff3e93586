"""The IP addresses of a host, looked up now and then, never waited for long.

When the name server is silent, what was known before counts: a scanner must not be turned away because a
name server is down.
"""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from filmless.infra import limits
from filmless.infra.log import get_logger

HOSTS_MAX = 1024  # Registered nodes with a name; beyond it the book begins anew.

_log = get_logger()


@dataclass(slots=True)
class _Entry:
    """What is known of a host, and until when it need not be asked again."""

    addresses: frozenset[str] = frozenset()
    good_until: float = 0.0
    is_asked: threading.Event | None = None  # Set while somebody is asking; the event says when it is done.


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def look_up(host: str) -> frozenset[str]:
    """Ask the system, which may take as long as it likes; raises OSError."""
    return frozenset(str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM))


class AddressBook:
    """Hosts and their addresses; for any number of threads."""

    def __init__(self, ask: Callable[[str], frozenset[str]] = look_up) -> None:
        self._ask = ask
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._free = threading.Semaphore(limits.NAME_LOOKUPS_AT_ONCE_MAX)

    def addresses_of(self, host: str) -> frozenset[str]:
        """The addresses of a host; what was known before, or none, when nobody tells in time."""
        if _is_address(host):
            return frozenset((host,))
        with self._lock:
            if len(self._entries) >= HOSTS_MAX and host not in self._entries:
                self._entries.clear()
            entry = self._entries.setdefault(host, _Entry())
            if time.monotonic() < entry.good_until:
                return entry.addresses
            asked = entry.is_asked
            if asked is None and self._free.acquire(blocking=False):
                asked = entry.is_asked = threading.Event()
                # getaddrinfo cannot be interrupted: it has a thread of its own, which nobody waits for.
                threading.Thread(
                    target=self._fill, args=(host, entry, asked), name="name-lookup", daemon=True
                ).start()
        if asked is not None:
            asked.wait(limits.NAME_LOOKUP_SECONDS_MAX)
        return entry.addresses

    def _fill(self, host: str, entry: _Entry, asked: threading.Event) -> None:
        try:
            entry.addresses = self._ask(host)
        except (OSError, UnicodeError) as error:
            _log.warning("name_lookup_failed", host=host, reason=str(error))
        finally:
            entry.good_until = time.monotonic() + limits.NAME_KNOWN_SECONDS_MAX
            entry.is_asked = None
            asked.set()
            self._free.release()
