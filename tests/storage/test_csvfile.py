"""What a file is, before its rows are read."""

import pytest

from dialer.errors import ContactFileError
from dialer.storage.csvfile import header_key, open_csv, rewrite


@pytest.fixture
def opened(tmp_path):
    """Open bytes as a file; the scratch directory is the test's."""

    def from_bytes(content, **options):
        (tmp_path / "list.csv").write_bytes(content)
        return open_csv(tmp_path / "list.csv", scratch=tmp_path, **options)

    return from_bytes


def test_a_utf8_file_is_not_copied(opened):
    """The usual case costs no copy."""
    file = opened("phone,name\n1,Zoë\n".encode())
    assert (file.text, file.delimiter, file.first, file.skip_lines) == (file.source, ",", ("phone", "name"), 0)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_other_encodings_become_utf8(opened, encoding):
    """The copy has the same text."""
    text = "phone,name\n1,Zoë €\n"
    file = opened(text.encode(encoding))
    assert file.text != file.source
    assert file.text.read_text(encoding="utf-8") == text


def test_bytes_that_cp1252_does_not_have(opened):
    """Latin-1 has a letter for every byte, so no file of single bytes is refused for one of them."""
    assert opened(b"phone,name\n1,Zo\xeb \x81\n").text.read_text(encoding="utf-8") == "phone,name\n1,Zoë \x81\n"


def test_the_sample_ends_anywhere(opened):
    """A character or a record that crosses a border of reading is not taken for damage."""
    long = "phone,name\n" + "é" * (1 << 22) + "\n"
    assert opened(long.encode()).first == ("phone", "name")
    assert opened(("x" + long).encode()).text.name == "list.csv"


def test_wanted_headers_settle_the_delimiter(opened):
    """Without them the most cells win."""
    content = b"a,b,c;phone\n"
    assert opened(content).delimiter == ","
    assert opened(content, wanted=frozenset({"phone"})).delimiter == ";"


@pytest.mark.parametrize(("name", "key"), [("Phone Number", "phonenumber"), ("phone_number", "phonenumber"), ("", "")])
def test_header_key(name, key):
    """Case, blanks and punctuation are gone."""
    assert header_key(name) == key


def test_unreadable_file(opened, tmp_path):
    """The reason of the system is passed on."""
    with pytest.raises(ContactFileError, match="does not exist"):
        open_csv(tmp_path / "none.csv", scratch=tmp_path)
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(ContactFileError, match="cannot be read"):
        open_csv(tmp_path / "loop.csv", scratch=tmp_path)


def test_rewrite_marks_broken_rows(opened, tmp_path):
    """Each row has one row in the copy; a broken one stands there as text."""
    file = opened(b'\nphone;name\r\n1;"a\r\nb"\r\n2\r\n"3";"x;y"\r\n4;"z"z\r\n5;q;;\r\n\r\n')
    rewrite(file, width=2, has_header=True, target=tmp_path / "clean.csv")
    assert (tmp_path / "clean.csv").read_text(encoding="utf-8") == ('1,"a\nb",\n,,2\n3,x;y,\n,,"4;""z""z"\n5,q,\n')


def test_blank_lines_are_rows_of_a_single_column(opened, tmp_path):
    """There a blank line is an empty number; elsewhere it is nothing."""
    rewrite(opened(b"phone\n\n1\n"), width=1, has_header=True, target=tmp_path / "clean.csv")
    assert (tmp_path / "clean.csv").read_text(encoding="utf-8") == ",\n1,\n"
