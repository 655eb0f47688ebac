"""Makes the two subset fonts of this folder. Needs fontTools (Debian: python3-fonttools) and two unpacked npm packages:

    npm pack @fontsource/zcool-kuaile@5.3.0 @fontsource/zcool-qingke-huangyou@5.3.0      (then tar xzf each into its own folder)
    python3 make_subset.py FOLDER_OF_KUAILE FOLDER_OF_QINGKE ../art/captions.json

Each package holds its font in about ninety slices by Unicode range; the needed characters are cut out of each slice and joined.
"""
import glob
import json
import os
import sys
import tempfile

from fontTools import merge, subset
from fontTools.ttLib import TTFont

PHRASES = "".join(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "extra_characters.txt"), encoding="utf-8").read().split())
ASCII = "".join(map(chr, range(0x20, 0x7F)))
PUNCTUATION = "，。！？、：；（）《》“”…—·～"


def make(folder, characters, output):
    wanted, parts = set(map(ord, characters)), []
    with tempfile.TemporaryDirectory() as work:
        for path in sorted(glob.glob(os.path.join(folder, "**", "*.woff"), recursive=True)):
            font = TTFont(path)
            here = wanted & set(font.getBestCmap())
            if not here:
                continue
            wanted -= here
            options = subset.Options(layout_features=[], hinting=False, name_IDs=["*"], notdef_outline=True)
            cutter = subset.Subsetter(options)
            cutter.populate(unicodes=here)
            cutter.subset(font)
            font.flavor = None
            parts.append(os.path.join(work, f"{len(parts)}.ttf"))
            font.save(parts[-1])
        joined = merge.Merger().merge(parts)
        joined["head"].created = joined["head"].modified = 3786912000  # the same bytes on every run
        joined.recalcTimestamp = False
        joined.save(output)
    print(output, os.path.getsize(output), "bytes; missing:", "".join(map(chr, sorted(wanted))))


if __name__ == "__main__":
    kuaile, qingke, captions = sys.argv[1:]
    labels = "".join(row["label"] for row in json.load(open(captions, encoding="utf-8")))
    here = os.path.dirname(os.path.abspath(__file__))
    for folder, name in ((kuaile, "zcool-kuaile-subset.ttf"), (qingke, "zcool-qingke-huangyou-subset.ttf")):
        make(folder, ASCII + PUNCTUATION + labels + PHRASES, os.path.join(here, name))
