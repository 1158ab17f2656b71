"""How much a decoded text looks like text of one language, and not like bytes misread."""

from __future__ import annotations

import unicodedata
from functools import cache

import numpy as np
import numpy.typing as npt

SAMPLE = 20_000
"""Code points that are looked at."""

# The characters that make up most running text of each language, by our own count of what any newspaper prints.
_HANGUL = (
    "다이는에가지을은고기로원사서시를만자한의어리도하장대일아니수주나보전면인부라해으들마년소상구그있오정요제동안천내공두했금었여과진무세명산비신"
    "스물문분간월터회달게까우조국개화연선모경번배습관단남방실바려반집차계치씨열것음말데재운람온난드위입당업청료교유없미학않거영식저체포건성중통았"
    "트루와점생새린받야호작목강곳며용매래민손표올적예군담등판초울막약양후돌르합행출날른직감발네할줄불설본때름결러석준임억값심노처승늘더버길농편뒤"
    "섯파추급평종던권앞넘증머속역였째광골록글카걸절현된채순누타되창못병항첫복품피책쪽살환태렸송레봉알크밤법백졌험함님최왔겨형끝벽같육쓰따독든갈접"
    "림침벌놓토별근류력돈박코겠술례프협맞검디각북뉴립외져많먹객확께센먼긴축량붙투팔찾눈질됐웃삼변란낸너필히메워김흘잡철허친읍언갔락밀짜택취탁빈격"
    "씩특폐팀층율얼솔키충견답틀균느커옥떨패귀밭냈윤혔넣찍났빠쓴덕둘떠브규능밥홍족쳐티둔겼낮밝랑테탄참찬척향십꾸풍녀액망널활꽃굴옮랐휴염빛힌숙빌꺼"
)
_HAN = (
    "的一是不了在人有我他这個个们們中来來上大为為和国國地到以说說时時要就出会會可也你对對生能而子那得于於着下自之年过"
    "過发發后後作里裡用道行所然家种種事成方多经經么麼去法学學如都同现現当當没沒动動面起看定天分还還进進好小部其些主样"
    "樣理心本前开開但因只从從想实實日军軍者意无無力它与與长長把机機十民第公此已工使情明性知全三又关關点點正业業外将將"
    "两兩高间間由问問很最重并物手应應战戰向头頭文体體政美相见見被利什二等产產或新己制身果加西斯月话話合回特代内內信表"
    "化老给給世位次度门門任常先海通教儿原东東声聲提立及比员員解水名真论論处處走义義各入几口认認条條平系气氣题題活尔更"
    "别別打女变變四神总總何电電数數安少报報才结結反受目太量再感建务務做接必场場件计計管期市直德资資命山金指克许許统統"
    "区區保至队隊形社便空决治展马馬科司五基眼书書非则听白却界达達光放强強即像难難且权權思王象完设設式色路记記南品住告"
    "类類求据程北边邊死张張该該交规規万取拉格望觉覺术術领領共确確传傳师師观觀清今切院让讓识識候带帶导導争爭运運県市町"
    "村党選挙首相議員警察会社東京大阪千円億以上発表調査対応地域"
)
_CYRILLIC = "оеаинтсрвлкмдпуяыьгзбйчї"
_LATIN = "áàâäãåæçéèêëíìîïñóòôöõøœßúùûüýÿÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝğışĞİŞ¿¡«»„‚€£§®°²³½¼¾×ºª"
_NEUTRAL = "–•━┃┌┐└┘├┤┬┴┼“”‘’「」『』【】〈〉《》（），。、！？：；·…—～ ㎡㎞％ⓒ©▶◆■□○●△▲▼☞※☎★☆◇①②③④⑤　─│〔〕［］＜＞・々ー℃"

_RARE, _ASCII, _LETTER, _SIGN, _BAD = range(5)
_OF_HANGUL, _RARE_HANGUL, _OF_KANA, _OF_HAN, _RARE_HAN, _HALF_WIDTH, _OF_LATIN, _OF_CYRILLIC = range(5, 13)
"""The kinds of characters that `likeness` tells apart: frequent ones of each script, signs of any text, and what is left."""
_PLAIN = np.isin(np.arange(13), (_ASCII, _LETTER, _SIGN))
_EDGE = np.full(2, _ASCII, dtype=np.uint8)


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """The kind of each code point of 16 bits."""
    table = np.full(65536, _RARE, dtype=np.uint8)
    for code in [*range(128, 0x3000), *range(0xE000, 65536)]:
        if unicodedata.category(chr(code)) in ("Cc", "Co", "Cn"):
            table[code] = _BAD
    for low, high, kind in (
        (0, 0x80, _ASCII), (0x41, 0x5B, _LETTER), (0x61, 0x7B, _LETTER), (0x3041, 0x30FF, _OF_KANA), (0xFF61, 0xFFA0, _HALF_WIDTH),
        (0x3400, 0xA000, _RARE_HAN), (0xAC00, 0xD7A4, _RARE_HANGUL), (0xF900, 0xFB00, _RARE_HAN),
    ):  # fmt: skip
        table[low:high] = kind
    for characters, kind in ((_NEUTRAL, _SIGN), (_HANGUL, _OF_HANGUL), (_HAN, _OF_HAN), (_LATIN, _OF_LATIN), (_CYRILLIC, _OF_CYRILLIC)):
        table[[ord(character) for character in characters]] = kind
    return table


def likeness(text: str) -> float:
    """How much a decoded text looks like text of one language: about 1 for running text, near 0 or below for mojibake."""
    codes = np.frombuffer(text[:SAMPLE].encode("utf-16-le", "surrogatepass"), dtype=np.uint16)
    kind = _kinds()[codes]
    count = np.bincount(kind, minlength=13)
    n = int(count.sum() - count[_ASCII] - count[_LETTER] - count[_SIGN])
    if count[_BAD]:
        return -1.0
    if not n:
        return 1.0
    around = np.concatenate((_EDGE, kind, _EDGE))
    before_both, before, after, after_both = around[:-4], around[1:-3], around[3:-1], around[4:]
    accent = kind == _OF_LATIN
    # An accent or a pound sign stands alone among plain characters, or two of them at a letter; a longer run is another script misread.
    first = accent & _PLAIN[before] & (after == _OF_LATIN) & _PLAIN[after_both] & ((before == _LETTER) | (after_both == _LETTER))
    second = accent & _PLAIN[after] & (before == _OF_LATIN) & _PLAIN[before_both] & ((before_both == _LETTER) | (after == _LETTER))
    latin = np.count_nonzero(accent & _PLAIN[before] & _PLAIN[after]) + np.count_nonzero(first | second)
    # One lone letter of another script in a word of plain letters is an accent misread.
    lone = (kind >= _OF_HANGUL) & (kind < _OF_LATIN) & (before == _LETTER) & _PLAIN[after]
    lone |= (kind == _OF_CYRILLIC) & ((before == _LETTER) | (after == _LETTER))
    han = count[_OF_HAN] + count[_RARE_HAN]
    korean = 1.15 * count[_OF_HANGUL] + 0.25 * count[_RARE_HANGUL] - 0.5 * han
    chinese = count[_OF_HAN] + 0.25 * count[_RARE_HAN]
    japanese = count[_OF_KANA] + count[_OF_HAN] + 0.5 * count[_RARE_HAN] if count[_OF_KANA] > 0.2 * n else 0
    return float(max(korean, chinese, japanese, latin, count[_OF_CYRILLIC]) - count[_HALF_WIDTH] - np.count_nonzero(lone)) / n
