"""moto as a server at a free port, until standard input ends: with the process that started it, however that ends."""
import os
import sys
import threading
import time

from moto.server import main
from moto.sqs.models import SQSBackend

threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()

receive_now = SQSBackend.receive_message


def receive_message(self, queue_name, count, wait, *more, **named):
    """
    Receives as AWS does, where moto 5.2 does not: when the time of all messages of a group is over, it delivers the last
    one first, and a long poll does not see that a group is free again. No poll is long, so that tests end soon.
    """
    queue = self.get_queue(queue_name)
    end = time.monotonic() + min(wait, 0.3)
    while True:
        for message in [each for each in queue.pending_messages if each.visible]:
            queue.pending_messages.discard(message)
        received = receive_now(self, queue_name, count, 0, *more, **named)
        if received or time.monotonic() >= end:
            return received
        time.sleep(0.02)


SQSBackend.receive_message = receive_message
main(["-H", "127.0.0.1", "-p", "0"])
