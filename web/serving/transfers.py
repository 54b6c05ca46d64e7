"""The threads of uploads and downloads, and who may have how many of them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor


class Transfers:
    """Threads for transfers, as many as there may be at once. For the loop's thread only.

    One address gets three quarters of them, so that it cannot keep everybody else out.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_of_one = max(1, most * 3 // 4)
        self._of_address: Counter[str] = Counter()
        self.threads = ThreadPoolExecutor(max_workers=most, thread_name_prefix="transfer")

    def admit(self, address: str) -> bool:
        """Count a transfer of `address` and return True, or False where there is no thread for it.

        Who has no address is limited by the sum only.
        """
        if self._of_address.total() >= self._most:
            return False
        if address and self._of_address[address] >= self._most_of_one:
            return False
        self._of_address[address] += 1
        return True

    def release(self, address: str) -> None:
        """Give back what `admit` counted."""
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]
