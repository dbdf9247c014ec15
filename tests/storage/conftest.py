"""Lists for tests: texts imported as an operator would."""

from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dialer.storage.contacts import ContactFile
from dialer.storage.importer import import_contacts, import_numbers
from dialer.storage.mapping import import_mapping
from dialer.storage.scrub import scrub


@pytest.fixture
def desk(tmp_path):
    """Import lists, do-not-call numbers and mappings from text, scrub them, and read the files of the run."""

    def contact_list(text, name="list"):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        target = tmp_path / "lists" / name / "v1.parquet"
        desk.report = import_contacts(
            tmp_path / f"{name}.csv", contacts=target, excluded=target.with_name("v1.excluded.parquet")
        )
        return target

    def dnc_list(*numbers):
        (tmp_path / "dnc.csv").write_text("\n".join(["phone", *map(str, numbers)]))
        import_numbers(tmp_path / "dnc.csv", target=tmp_path / "dnc.parquet")
        return tmp_path / "dnc.parquet"

    def mapping(text):
        (tmp_path / "mapping.csv").write_text(text, encoding="utf-8")
        desk.report = import_mapping(tmp_path / "mapping.csv", target=tmp_path / "mapping.parquet")
        return tmp_path / "mapping.parquet"

    def run(*texts, dnc=(), **options):
        lists = [contact_list(text, name) for text, name in zip(texts, "abcdef", strict=False)]
        listed = [dnc_list(*dnc)] if dnc else []
        report = scrub(lists, dnc=listed, out_dir=tmp_path / "run", **options)
        contacts = ContactFile(tmp_path / "run" / "contacts.arrow")
        excluded = pq.read_table(tmp_path / "run" / "excluded.parquet").to_pylist()
        names = [dict(contacts.card(at)).get("name", "") for at in range(len(contacts))]
        return SimpleNamespace(
            report=report,
            contacts=contacts,
            names=names,
            numbers=[
                [contacts.number(at, phone) for phone in range(contacts.phones(at))] for at in range(len(contacts))
            ],
            excluded=[(row["source_list"], row["source_row"], row["reason"], row["number"]) for row in excluded],
            rows=pa.ipc.open_file(tmp_path / "run" / "contacts.arrow").read_all(),
        )

    desk = SimpleNamespace(contact_list=contact_list, dnc_list=dnc_list, mapping=mapping, run=run, report=None)
    return desk
