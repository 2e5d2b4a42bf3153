"""How a command ends: a status that a script can rely on, and a sentence, never a traceback.

A door script reads 1 as "not this person", so only a command that says so ends in 1: a closed pipe,
Ctrl-C and every fault that nobody foresaw have statuses of their own.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from service.cli.context import (
    NO,
    NOT_DONE,
    WRONG_USE,
    YES,
    err,
    explain,
    explain_settings,
    explain_system,
    print_in_any_language,
)
from service.cli.language import spoken_by
from service.cli.wrong_use import Bounds, sentence
from service.config import AppConfig, is_readable_dotenv
from service.domain.errors import FaceError
from service.texts import Language, text

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells tell it."""

_BY_SIGNAL = 128


def exit_status(command: Callable[[], object], arguments: Sequence[str] = ()) -> int:
    """Runs `command` to its end. `arguments`: where `--lang` may stand, which is read once more:
    the command that had parsed it is gone.
    """
    try:
        _open_closed_streams()
        print_in_any_language()
        with spoken_by(arguments) as language:
            return _flushed(_explained(command, language))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException:  # not even the explanation could be printed
        return NOT_DONE


def _explained(command: Callable[[], object], language: Language) -> int:
    """Typer hands back the status of `typer.Exit`, and that of Ctrl-C."""
    try:
        returned = command()
    except SystemExit as left:
        return _of_system_exit(left)
    except typer.TyperException as error:
        return _of_wrong_use(error, language)
    except typer.Abort:
        return NOT_DONE
    except FaceError as error:
        return explain(error, language)
    except Exception as error:
        return _of_exception(error, language)
    return returned if isinstance(returned, int) else YES


def _of_system_exit(left: SystemExit) -> int:
    """A library's own way out is never a "no": only `typer.Exit` is."""
    if left.code in (None, YES):
        return YES
    return left.code if isinstance(left.code, int) and left.code > _BY_SIGNAL else NOT_DONE


def _of_wrong_use(error: typer.TyperException, language: Language) -> int:
    """With the usage, where it belongs to a command."""
    context = getattr(error, "ctx", None)
    if context is None:
        err.print(sentence(error.format_message(), language))
    elif error.message == context.get_help():  # a group of commands alone
        err.print(error.message)
    else:
        usage = " ".join((context.command_path, *context.command.collect_usage_pieces(context)))
        err.print(text(language, "notice.usage", usage=usage))
        err.print(sentence(error.format_message(), language, _bounds_of(error)))
        err.print(text(language, "notice.see_help", command=context.command_path))
    return WRONG_USE if error.exit_code == WRONG_USE else NOT_DONE


def _bounds_of(error: typer.TyperException) -> Bounds:
    """Those of the option that was given a wrong value."""
    option = getattr(error, "param", None)
    return Bounds(getattr(option, "min", None), getattr(option, "max", None))


def _of_exception(error: Exception, language: Language) -> int:
    if isinstance(error, SettingsError) or _is_of_settings(error):
        return explain_settings(error, language)
    if isinstance(error, OSError):
        return explain_system(error)
    return _of_unforeseen(error, language)


def _is_of_settings(error: Exception) -> bool:
    """Others than the settings may raise these two, and then no setting is to blame."""
    if isinstance(error, UnicodeDecodeError):
        return not is_readable_dotenv()
    return isinstance(error, ValidationError) and error.title == AppConfig.__name__


def _of_unforeseen(error: Exception, language: Language) -> int:
    """Its kind and place; not its message, which may quote what it failed on."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{frame.filename}:{frame.lineno}"
    err.print(text(language, "notice.unforeseen", kind=type(error).__name__, where=where))
    return NOT_DONE


def _open_closed_streams() -> None:
    """Where a stream was closed before the start, its number would go to the next file or socket,
    into which a library that prints would then write.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)


def _flushed(status: int) -> int:
    """Nobody to read the answer is a job that was not done; Python itself would end in 120."""
    try:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
    except OSError:
        for stream in filter(None, (sys.stdout, sys.stderr)):
            _to_nowhere(stream.fileno())
        return NOT_DONE if status in (YES, NO) else status
    return status


def _to_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
