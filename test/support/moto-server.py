"""moto as a server at a free port, until standard input ends: with the process that started it, however that ends."""
import copy
import functools
import os
import socket
import sys
import threading
import time
import types

from flask import request
from moto import backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication
from moto.server import main
from moto.sqs.models import Queue, SQSBackend
from moto.stepfunctions.models import StateMachine
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_sqs,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.responses import EmptyResult, StepFunctionResponse
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler

threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()

# Most of its processor time went into this: moto 5.2 builds the tables of a parser for each JSONPath that it reads, a client
# of boto for each task, and for each request a list of its own folders, a match of the host with all services, and a log line.
json_path.parse = functools.cache(json_path.parse)
modules = list(backends.list_of_moto_modules())
backends.list_of_moto_modules = lambda: modules
DomainDispatcherApplication.get_backend_for_host = functools.cache(
    DomainDispatcherApplication.get_backend_for_host
)
WSGIRequestHandler.log_request = lambda *_: None
open_client = state_task_service_sqs.boto_client_for
client_of = functools.cache(lambda region, service: open_client(region, service))
state_task_service_sqs.boto_client_for = lambda region, service, **_: client_of(region, service)

# Before a task is tried again, a second takes 20 ms, as in the embedded engine of the tests.
retrier_decl.time = types.SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 50))

receive_now = SQSBackend.receive_message


def is_client_gone():
    """As AWS, a poll whose client has left takes no message."""
    try:
        return request.environ["werkzeug.socket"].recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


# One at a time: moto 5.2 holds a message as received a moment before it hides it.
receiving = threading.Lock()


def messages_not_received(self):
    """Without those that were received: see `receive_message`, which alone says when the time of one is over."""
    return [
        message
        for message in self._messages
        if message.visible and not message.delayed and message not in self.pending_messages
    ]


Queue.messages = property(messages_not_received)


def receive_message(self, queue_name, count, wait, *more, **named):
    """
    Receives as AWS does, where moto 5.2 does not: when the time of all messages of a group is over, it delivers the last
    one first, also where that is between two of its own looks, and a long poll does not see that a group is free again. No
    poll is long, so that tests end soon.
    """
    queue = self.get_queue(queue_name)
    end = time.monotonic() + min(wait, 0.3)
    while not is_client_gone():
        with receiving:
            for message in [each for each in queue.pending_messages if each.visible]:
                queue.pending_messages.discard(message)
            received = receive_now(self, queue_name, count, 0, *more, **named)
        if received or time.monotonic() >= end:
            return received
        time.sleep(0.02)
    return []


SQSBackend.receive_message = receive_message


def copy_without_executions(self, memo):
    """
    An execution gets a copy of its state machine. moto 5.2 copies the earlier executions, too, which fails: they have
    threads and locks.
    """
    copied = copy.copy(self)
    copied.executions = []
    return copied


StateMachine.__deepcopy__ = copy_without_executions


def send_task_failure(self):
    """With its cause, which moto 5.2 drops."""
    token, error, cause = (self._get_param(name) for name in ("taskToken", "error", "cause"))
    self.stepfunction_backend.send_task_failure(token, error=error, cause=cause)
    return EmptyResult()


StepFunctionResponse.send_task_failure = send_task_failure

eval_attempt = StateTaskServiceCallback._eval_execution


def eval_attempt_with_its_token(self, env):
    """Each attempt has a token of its own. In moto 5.2 a retry has the first one's, and takes over what came of it."""
    context = env.states.context_object
    if "Task" in context.context_object_data:
        env.callback_pool_manager.add(context.update_task_token())
    eval_attempt(self, env)


StateTaskServiceCallback._eval_execution = eval_attempt_with_its_token

say_startup = BaseWSGIServer.log_startup


def log_startup(self):
    """State machines call other services at this port, which is known only now."""
    os.environ["MOTO_PORT"] = str(self.port)
    say_startup(self)


BaseWSGIServer.log_startup = log_startup
main(["-H", "127.0.0.1", "-p", "0"])
