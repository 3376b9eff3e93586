"""Forty invented patients, names in many scripts, each in the character set its country would send.

Nobody here exists: Patient IDs are DEMO-0001 and so on, issued by DEMO. Start at `PEOPLE`.
"""

from __future__ import annotations

from dataclasses import dataclass

ISSUER = "DEMO"

LATIN_1, LATIN_2, CYRILLIC, ARABIC, GREEK, HEBREW, THAI = (
    ("ISO_IR 100",),
    ("ISO_IR 101",),
    ("ISO_IR 144",),
    ("ISO_IR 127",),
    ("ISO_IR 126",),
    ("ISO_IR 138",),
    ("ISO_IR 166",),
)
JAPANESE, KOREAN = ("", "ISO 2022 IR 87"), ("", "ISO 2022 IR 149")
CHINESE, UTF_8 = ("GB18030",), ("ISO_IR 192",)


@dataclass(frozen=True, slots=True)
class Person:
    """One invented patient. `character_set` is the value of Specific Character Set."""

    number: int
    name: str
    birth_date: str
    sex: str
    character_set: tuple[str, ...]

    @property
    def patient_id(self) -> str:
        """Synthetic at first sight."""
        return f"DEMO-{self.number:04}"


_ROWS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("Müller^Jürgen", "19580314", "M", LATIN_1),
    ("Désirée-Lefèvre^Chloé", "19870922", "F", LATIN_1),
    ("Peñalver^Íñigo^José", "19711105", "M", LATIN_1),
    ("Ångström^Åsa^Märta", "19640228", "F", LATIN_1),
    ("O'Malley^Siobhán", "19930517", "F", LATIN_1),
    ("Conceição^João^^Dr.", "19490830", "M", LATIN_1),
    ("Bjørnsen^Sølvi", "19760119", "F", LATIN_1),
    ("Dvořák^Řehoř", "19530706", "M", LATIN_2),
    ("Łukasiewicz^Żaneta", "19821212", "F", LATIN_2),
    ("Szőke^Gyöngyvér", "19690404", "F", LATIN_2),
    ("Παπαδοπούλου^Ελένη", "19741023", "F", GREEK),
    ("Γεωργίου^Νικόλαος", "19460601", "M", GREEK),
    ("Кузнецова^Людмила^Сергеевна", "19610813", "F", CYRILLIC),
    ("Шевченко^Богдан^Олексійович", "19900211", "M", CYRILLIC),
    ("Yamashita^Tarou=山下^太郎=やました^たろう", "19550925", "M", JAPANESE),
    ("Kobayashi^Hanako=小林^花子=こばやし^はなこ", "19880703", "F", JAPANESE),
    ("Ishikawa^Kenji=石川^健二=いしかわ^けんじ", "19420116", "M", JAPANESE),
    ("Kim^Minseo=金^旻序=김^민서", "19791130", "F", KOREAN),
    ("Park^Dohyun=朴^道賢=박^도현", "19660309", "M", KOREAN),
    ("Wang^Xiaodong=王^小东", "19720818", "M", CHINESE),
    ("Li^Meihua=李^美华", "19571227", "F", CHINESE),
    ("Zhang^Wei=张^伟", "20010420", "M", CHINESE),
    ("قباني^لنزار", "19630321", "M", ARABIC),
    ("حداد^مريم", "19850614", "F", ARABIC),
    ("שרון^דבורה", "19510507", "F", HEBREW),
    ("מזרחי^אבנר", "19770929", "M", HEBREW),
    ("สุขสวัสดิ์^มาลี", "19680202", "F", THAI),
    ("วงศ์ทอง^ประเสริฐ", "19590811", "M", THAI),
    ("Nguyễn^Thị Hương", "19831015", "F", UTF_8),
    ("शर्मा^अनीता", "19750126", "F", UTF_8),
    ("Yıldırım^Çağla", "19910905", "F", UTF_8),
    ("Jóhannesdóttir^Þórunn", "19480417", "F", UTF_8),
    ("Testmann^Otto", "19390512", "M", ()),
    ("Sampleton^Grace^Ada", "19960808", "F", ()),
    ("Phantom^Percival", "19700730", "M", ()),
    ("Mockridge^Beatrice^^Ms.", "19620619", "F", ()),
    ("Fiktiv^Frieda", "20190914", "F", ()),
    ("Inventado^Ramiro", "20120323", "M", LATIN_1),
    ("Nobody^Norbert^^^III", "19440102", "M", ()),
    ("Placeholder^Alex", "20000229", "O", ()),
)

PEOPLE = tuple(Person(number, *row) for number, row in enumerate(_ROWS, start=1))
"""The patients of the demonstration department, always the same."""

# All in plain ASCII: a study carries them beside names of any character set.
REFERRING_PHYSICIANS = (
    "Example^Erika^^Dr.",
    "Specimen^Samuel^^Dr.",
    "Dummy^Dorothea^^Prof.",
    "Invented^Ian^^Dr.",
    "Pretend^Paula^^Dr.",
)
PERFORMING_PHYSICIANS = ("Reader^Rita^^Dr.", "Viewer^Viktor^^Dr.")
OPERATORS = ("Technic^Tom", "Scanwell^Sara")
