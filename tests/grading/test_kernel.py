"""What the judge reads of a message before it knows that it is the kernel's."""

import pytest
from jupyter_client.session import Session

from labkit.grading.kernel import REPLY_PARTS, bound


@pytest.fixture
def session():
    made = Session(key=b"secret")
    bound(made)
    return made


def signed(session, *parts):
    return [session.sign(parts), *parts]


def test_message_is_read(session):
    sent = session.serialize(session.msg("execute_reply", {"status": "ok"}))
    _, parts = session.feed_identities(sent)
    assert session.deserialize(parts)["content"] == {"status": "ok"}


@pytest.mark.parametrize("place", range(4))
def test_no_part_may_have_lists_without_an_end(session, place):
    parts = [b'{"msg_id": "", "msg_type": ""}', b"{}", b"{}", b"{}"]
    parts[place] = b'{"msg_id": "", "msg_type": "", "x": [' + b"[]," * REPLY_PARTS + b"[]]}"
    with pytest.raises(ValueError, match=r"^$"):
        session.deserialize(signed(session, *parts))


def test_wrong_signature_is_not_kept(session):
    with pytest.raises(ValueError, match="Invalid Signature"):
        session.deserialize([b"x" * 1000, b"{}", b"{}", b"{}", b"{}"])
    assert not session.digest_history
