"""Keys: where in the range of 62 and 63 bits each kind of person's lasting identity lies, so that none meet.

Contacts of day 0 lie below ``KEY_BLOCK``, or below ``FRIENDS`` where they are pseudonyms of logs (62 bits); prospects
of channel number i start at (i + 1) times ``KEY_BLOCK``; friends, whom other customers know, lie from ``FRIENDS`` on.
"""

from __future__ import annotations

KEY_BLOCK = 1 << 40  # keys of a channel's prospects start at (index + 1) times this; the initial contacts lie below
FRIENDS = 1 << 62  # keys of friends start here; no scenario has the four million channels that would reach so far
