"""A file of two encodings is refused; one that is GB18030 throughout never is."""

import random
from pathlib import Path

import pytest

from smsjobs import InvalidArguments
from smsjobs.campaign.tables import open_table

PHONE = "13800138000"

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜"
    "范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章"
    "鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐沿梅莫庄辛管祝左涂谷祁时舒耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍"
    "翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边缪娄滕晏瞿佘池璩湛栾冼芮"
)
GIVEN = (
    "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂玉萍红梅建文志国华新荣春燕云辉波宁浩宇轩梓涵欣怡子墨雨萱诗琪佳思若曦"
    "晨阳睿昊昕皓璐婧妍瑶琳雯婷媛姗妮娅姝娴婉婕婵纾绮绯缘缇瑾瑜璇璋璞璟琛瑗玮珺钰铭锐鑫淼焱垚晗晖晟旭昱煜炜烨煊熙博翰泽润沐"
    "浠洁清源渊溪澄澜濠瀚宸宥家宏安康健福寿财旺盛兴隆昌达通顺利吉祥如意男女士先生"
)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def people(count: int, seed: int) -> str:
    pick = random.Random(seed)
    rows = (
        f"{13800138000 + n},{pick.choice(SURNAMES)}{''.join(pick.choices(GIVEN, k=pick.choice((1, 2, 2))))}\n"
        for n in range(count)
    )
    return "phone,name\n" + "".join(rows)


@pytest.mark.parametrize(
    "before",
    [
        "手机号,name\n" + f"{PHONE},张三\n",
        "phone,name\n" + f"{PHONE},张三\n" * 4,
        "phone,name\n" + f"{PHONE},abc\n" * 200_000 + f"{PHONE},张三\n{PHONE},李四\n",
        people(3000, 1),
    ],
    ids=["heading", "few", "late", "many"],
)
@pytest.mark.parametrize("bad", [f"{PHONE},张三\n".encode("gbk"), b"13800138000,\xff\n", "张".encode()[:2]])
def test_mixed(tmp_path: Path, before: str, bad: bytes) -> None:
    """A UTF-8 file with a row in another encoding is refused with its line and the hint, and shows nothing of it."""
    path = written(tmp_path / "people.csv", before.encode() + bad + f"{PHONE},李四\n".encode())
    line = before.count("\n") + 1
    with pytest.raises(
        InvalidArguments, match=rf"line {line} of people\.csv is not UTF-8 text.*save the file as CSV UTF-8"
    ) as raised:
        open_table(path)
    assert PHONE not in str(raised.value)


@pytest.mark.parametrize("seed", range(20))
def test_lists_of_names(tmp_path: Path, seed: int) -> None:
    """Lists of Chinese names in GB18030 are read as such, whoever stands first."""
    text = people(3000, seed)
    path = written(tmp_path / "people.csv", text.encode("gb18030"))
    assert [record.cells[1] for record in open_table(path).records] == [
        row.split(",")[1] for row in text.splitlines()[1:]
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["联通", "移动"],
        ["女士"] * 3000 + ["先生"],  # 女士 alone is UTF-8 too
        ["谢谢", "同学", "魏郑叶谢"] * 1000 + ["李四"],
        ["昊", "璐", "张三"],
    ],
    ids=lambda names: names[0],
)
def test_words_that_are_utf_8_too(tmp_path: Path, names: list[str]) -> None:
    """Words whose GB18030 bytes are UTF-8 by accident, however often they come, do not make a file a mixed one."""
    text = "phone,name\n" + "".join(f"{PHONE},{name}\n" for name in names)
    path = written(tmp_path / "people.csv", text.encode("gb18030"))
    assert [record.cells[1] for record in open_table(path).records] == names
