"""Whether a caption gives the camera's motion away (Sec. 4 of the paper: "pan left", "move forward" and the like).

A scene-static caption describes objects, layout and appearance. Words that only look like motion pass: a pan on the
stove, tracking shoes, a rolling hill, a road that turns left, a camera on a shelf.
"""

import re

_MOVES = (
    r"pan(?:s|ned|ning)?|tilt(?:s|ed|ing)?|zoom(?:s|ed|ing)?|doll(?:y|ies|ied|ying)|track(?:s|ed|ing)?|"
    r"truck(?:s|ed|ing)?|crane(?:s|d)?|craning|boom(?:s|ed|ing)?|orbit(?:s|ed|ing)?|circl(?:e|es|ed|ing)|"
    r"rotat(?:e|es|ed|ing)|roll(?:s|ed|ing)?|swing(?:s|ing)?|swung|sweep(?:s|ing)?|swept|pivot(?:s|ed|ing)?|"
    r"mov(?:e|es|ed|ing)|glid(?:e|es|ed|ing)|fl(?:y|ies|ew|ying)|float(?:s|ed|ing)?|drift(?:s|ed|ing)?|"
    r"push(?:es|ed|ing)?|pull(?:s|ed|ing)?|follow(?:s|ed|ing)?|advanc(?:e|es|ed|ing)|retreat(?:s|ed|ing)?|"
    r"travel(?:s|ed|ing|led|ling)?|walk(?:s|ed|ing)?|run(?:s|ning)?|ran|ris(?:e|es|ing)|rose|rais(?:e|es|ed|ing)|"
    r"lower(?:s|ed|ing)?|descend(?:s|ed|ing)?|ascend(?:s|ed|ing)?|climb(?:s|ed|ing)?|turn(?:s|ed|ing)?|"
    r"approach(?:es|ed|ing)?|head(?:s|ed|ing)?|slid(?:e|es|ing)?|strafe(?:s|d)?|strafing|spin(?:s|ning)?|"
    r"arc(?:s|ed|ing)?|shift(?:s|ed|ing)?|back(?:s|ed|ing)|pass(?:es|ed|ing)?|trace(?:s|d)?|tracing|spiral(?:s|ed|ing)?|"
    r"proceed(?:s|ed|ing)?|navigat(?:e|es|ed|ing)|enter(?:s|ed|ing)?|exit(?:s|ed|ing)?|shak(?:e|es|ing)|whip(?:s|ped|ping)?|"
    r"swoop(?:s|ed|ing)?|cross(?:es|ed|ing)|step(?:s|ped|ping)?|rac(?:e|es|ed|ing)|div(?:e|es|ed|ing)|"
    r"dove|jump(?:s|ed|ing)?|go(?:es|ing)?|carried|creep(?:s|ing)?|edg(?:es|ed|ing)|soar(?:s|ed|ing)?|"
    r"(?:continues|continuing) (?:forwards?|backwards?|ahead|straight|left|right|along|down|through|past|toward)"
)
_VIEWER = (
    r"camera|cameraman|cam|lens|viewpoint|view|viewer|shot|footage|perspective|point of view|pov|frame|drone|we|you"
)
_ASIDE = r"(?:\w+ly|then|now|and|also|is|are|begins to|starts to|continues to|keeps|comes|goes|gets)"
_DIRECTION = (
    r"(?:to (?:the|its|our|your) )?(?:left|right|up|down|upwards?|downwards?|forwards?|backwards?|sideways|in|out|"
    r"closer|away|inwards?|outwards?|ahead|clockwise|counter-?clockwise|leftwards?|rightwards?|around|across|over|"
    r"toward|towards|through|past|along|from (?:left|right|side))"
)
_TURN = (
    r"(?:to (?:the|its|our|your) )?(?:left|right|up|down|upwards?|downwards?|sideways|across|around|leftwards?|"
    r"rightwards?|toward|towards|over to|away)"
)
_LENS_MOVES = r"zooms|zoomed|zooming|dollies|dollied|dollying|trucking|strafes?|strafing"
_SUBJECTS = r"(?:the|this) (?:video|clip|scene|film|image|player|first-person player|character's view|camera ?work)"
_BODY_MOVES = (
    r"mov(?:e|es|ing)|walk(?:s|ing)?|fly(?:ing)?|flies|glid(?:e|es|ing)|turn(?:s|ing)?|rotat(?:e|es|ing)|"
    r"push(?:es|ing)?|pull(?:s|ing)?|orbit(?:s|ing)?|circl(?:e|es|ing)|advanc(?:e|es|ing)|ascend(?:s|ing)?|"
    r"descend(?:s|ing)?|travel(?:s|ing|ling)?|look(?:s|ing)?|step(?:s|ping)?|go(?:es|ing)?|back(?:s|ing)?|head(?:s|ing)?|"
    r"drift(?:s|ing)?|sweep(?:s|ing)?|slid(?:e|es|ing)|run(?:s|ning)?|driv(?:e|es|ing)|ris(?:e|es|ing)|strafe"
)
_START = r"(?:^|[.!?;:]\s+|,\s+(?:then|and|while|as)\s+)(?:then |next |now |and |slowly |smoothly |gently |steadily )*"

PATTERNS = (
    # "the camera slowly pans", "the view then orbits", "as we move", "a shot that glides"
    re.compile(rf"\b(?:{_VIEWER})(?:'s)?\s+(?:(?:that|which)\s+)?(?:{_ASIDE}\s+){{0,3}}(?:{_MOVES})\b"),
    # "pans left", "tilting up", "zooms in", "dollies forward": verbs by their ending
    re.compile(rf"\b(?:pans|panned|panning|tilts|tilting)\s+(?:\w+ly\s+)?{_TURN}\b(?!\s+of\b)"),
    re.compile(rf"\b(?:{_LENS_MOVES})\s+(?:\w+ly\s+)?{_DIRECTION}\b"),
    # "pan left", "zoom in": nouns as well, so only where a verb can stand
    re.compile(rf"(?:{_START}|\b(?:to|then|and)\s+|ly\s+)(?P<leak>(?:pan|tilt|zoom|dolly|truck)\s+(?:\w+ly\s+)?{_DIRECTION})\b(?!\s+of\b)"),
    # "panning shot", "tracking view", "dolly move", "aerial fly-through", "push-in"
    re.compile(
        r"\b(?:panning|tracking|dolly|zooming|orbiting|orbital|tilting|trucking|crane|following|moving|rotating|"
        r"circling|gliding|flying|descending|ascending|rising|walking|steadicam|handheld|whip|zoom)[- ]"
        r"(?:camera |tracking |zoom |pan )?(?:shots?|view|move|movement|motion|footage|camera|in shot|out shot)\b"
    ),
    re.compile(r"\b(?:camera|viewpoint)(?:'s)?\s+(?:movement|motion|move|pan|tilt|zoom|path|rotation|orbit|sweep|flight|dolly)s?\b"),
    re.compile(r"\b(?:fly|walk|drive)-?(?:throughs?|overs?|bys?)\b"),
    re.compile(r"\b(?:an?|the|aerial|slow|smooth|quick) (?:fly|walk|drive) (?:through|over|by)\b"),
    re.compile(r"\b(?:camera|viewpoint) leans?\b|\bfirst-person (?:walk|run|drive|flight|tour|ride)\b"),
    re.compile(r"\bdolly[- ]zooms?\b|\bcamera ?work (?:is|moves|follows|shakes)\b"),
    re.compile(r"\b(?:360|180|90)[- ]degree (?:pan|rotation|turn|orbit|sweep|spin|camera)\b"),
    re.compile(
        r"\b(?:forward|backward|lateral|sideways|circular|orbital)s?(?:[- ]moving| camera)? "
        r"(?:motion|movement|shot|travel)\b"
    ),
    # Weaker subjects, so only with a direction: "the video pans across", "the player walks forward"
    re.compile(rf"\b{_SUBJECTS}\s+(?:{_ASIDE}\s+){{0,3}}(?:{_MOVES})\s+(?:\w+ly\s+)?(?:{_DIRECTION}|to)\b"),
    # A participle without a subject and its object: "Orbiting a windmill", "Following the path"
    re.compile(
        rf"{_START}(?P<leak>(?:orbit|orbiting|circle|circling|follow|following|approach|approaching|enter|entering|"
        r"crossing|exploring)\s+(?:around\s+)?(?:an?|the)\s+\w+)"
    ),
    re.compile(
        r"\b(?:push|zoom|pull|dolly|track|truck)-(?:in|out|back)s?\b"
        r"(?! (?:sofa|bed|couch|drawer|table|chair|shelf|tray|button))"
    ),
    re.compile(r"\b(?:slow|quick|fast|gentle|smooth|steady|whip|rapid|gradual)\s+(?:pan|tilt|zoom|dolly|orbit|pull-?back)\b"),
    # An order or a participle without a subject opens the sentence: "Move forward ...", "Turning left, ..."
    re.compile(rf"{_START}(?P<leak>(?:{_BODY_MOVES})\s+(?:(?:\w+ly|straight|further|low|high|deeper)\s+)?(?:{_DIRECTION}|above|back))\b"),
    # "move forward" and its like said of nothing in particular
    re.compile(r"\b(?:to|by|while|when|as|keep|keeps|before|after)\s+(?:mov(?:e|ing)|walk(?:ing)?|fly(?:ing)?|driv(?:e|ing))\s+"
               r"(?:forwards?|backwards?|ahead|left|right|sideways)\b"),
)  # fmt: skip
_OBJECTS = re.compile(r"\b(?:(?:camera|lens)\s+(?:pan head|roll|shelf|bag|store|shop)|pots and pans)\b")


def find_leaks(text: str) -> list[str]:
    """Every phrase of ``text`` that tells how the camera moves, in order of appearance, without repetitions."""
    plain = _OBJECTS.sub("object", " ".join(text.lower().replace("\u2019", "'").split()))
    matches = [match for pattern in PATTERNS for match in pattern.finditer(plain)]
    found = sorted((match.start(), match.groupdict().get("leak") or match.group()) for match in matches)
    return list(dict.fromkeys(phrase.strip(" .,;:!?") for _, phrase in found))
