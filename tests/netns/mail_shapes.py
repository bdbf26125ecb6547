"""Messages as they are in use, each another one, made from a seed: what a soak sends.

A shape is drawn by its weight. Each message says one sentence that no other says, so that what was delivered can be told apart from
what was meant for somebody else.
"""

import email.policy
import random
from dataclasses import dataclass
from email.header import Header
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

POLICY = email.policy.compat32.clone(linesep="\r\n", max_line_length=None)
WORDS = "住民 税務 証明 申請 受付 会議 資料 送付 確認 依頼 回答 令和 年度 予算 町民 窓口 防災 訓練 通知 案内".split()
DOMAIN = "town.unno.lg.jp"
KIB = 1024


@dataclass
class Shape:
    """A message to be sent. sentence stands in the text that must arrive."""
    number: int
    kind: str
    sender: str
    recipients: list
    message_id: str
    sentence: str
    content: bytes


def sentence_of(number):
    return f"受付番号は {number:06d} 番です。"


def prose(chance, sentence, lines):
    """Some lines of Japanese that look like a letter, with the sentence in the middle, and lines that begin with dots."""
    text = ["".join(chance.choices(WORDS, k=chance.randrange(4, 12))) + "。" for _ in range(lines)]
    text.insert(lines // 2, sentence)
    text.insert(chance.randrange(len(text)), chance.choice([".", "..", ".行頭の点", "From 行頭の From", ""]))
    return "\r\n".join(text) + "\r\n"


def japanese_text(text, charset):
    part = MIMEText("", "plain", "us-ascii")
    part.replace_header("Content-Type", f"text/plain; charset={charset}")
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = "7bit" if charset == "ISO-2022-JP" else "8bit"
    part.set_payload(text.encode(charset).decode("ascii", "surrogateescape"))
    return part


def attachment(chance, name, size):
    part = MIMEApplication(chance.randbytes(size), "pdf")
    part.add_header("Content-Disposition", "attachment", filename=("utf-8", "ja", name))
    return part


def with_parts(chance, subtype, *parts):
    whole = MIMEMultipart(subtype, boundary=f"----=_Part_{chance.randrange(10 ** 12):012d}")
    for part in parts:
        whole.attach(part)
    return whole


def iso_2022_jp(chance, sentence):
    return japanese_text(prose(chance, sentence, 10), "ISO-2022-JP")


def iso_2022_jp_with_attachment(chance, sentence):
    return with_parts(chance, "mixed", iso_2022_jp(chance, sentence), attachment(chance, "会議資料.pdf", chance.randrange(1, 60 * KIB)))


def shift_jis(chance, sentence):
    return japanese_text(prose(chance, sentence, 10), "Shift_JIS")


def utf8(chance, sentence):
    return MIMEText(prose(chance, sentence, 30), "plain", "utf-8")


def utf8_raw(chance, sentence):
    return japanese_text(prose(chance, sentence, 30), "UTF-8")


def html(chance, sentence):
    text = prose(chance, sentence, 20)
    page = "<html><body><h1>お知らせ</h1><p>" + text.replace("\r\n", "<br>\r\n") + '</p><a href="https://town.unno.lg.jp/">町</a></body></html>'
    return with_parts(chance, "alternative", MIMEText(text, "plain", "utf-8"), MIMEText(page, "html", "utf-8"))


def big(chance, sentence):
    return with_parts(chance, "mixed", MIMEText(prose(chance, sentence, 10), "plain", "utf-8"),
                      *(attachment(chance, f"図面{i}.pdf", chance.randrange(300 * KIB, 700 * KIB)) for i in range(2)))


KINDS = {iso_2022_jp: 25, iso_2022_jp_with_attachment: 25, shift_jis: 8, utf8: 15, utf8_raw: 7, html: 17, big: 3}
RECIPIENT_COUNTS = {1: 80, 2: 10, 5: 7, 20: 3}


def shape(number, seed):
    """Message number of a seed: the same each time."""
    chance = random.Random(f"{seed}/{number}")
    make = chance.choices(list(KINDS), KINDS.values())[0]
    sentence, message_id = sentence_of(number), f"<soak.{seed}.{number}@soto.example>"
    message = make(chance, sentence)
    sender = chance.choice(["hito@soto.example", "..dots..@docomo.example", ""])
    recipients = [f"machi{number}-{i}@{DOMAIN}" for i in range(chance.choices(list(RECIPIENT_COUNTS), RECIPIENT_COUNTS.values())[0])]
    subject_charset = "iso-2022-jp" if make in (iso_2022_jp, iso_2022_jp_with_attachment) else "utf-8"
    for name, value in (("From", "hito@soto.example"), ("To", ", ".join(recipients)), ("Date", "Mon, 06 Apr 2026 09:30:00 +0900"),
                        ("Subject", Header(f"お知らせ {number}", subject_charset)), ("Message-ID", message_id)):
        message[name] = value
    return Shape(number, make.__name__, sender, recipients, message_id, sentence, message.as_bytes(policy=POLICY))
