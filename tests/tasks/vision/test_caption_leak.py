"""Captions that tell how the camera moves are found; words that only look like motion are not."""

import pytest

from tasks.vision.caption_leak import find_leaks

LEAKS = [
    "The camera pans slowly to the left across a table and two chairs.",
    "A smooth tracking shot moves forward past boulders and huts.",
    "The camera zooms in on a vase and then tilts up.",
    "The view orbits around the statue as the camera dollies forward.",
    "A quiet street at dusk. Pan left to reveal a bakery.",
    "Move forward through the corridor.",
    "Moving forward, tall shelves line both sides.",
    "A forest path; the viewpoint glides over the stream.",
    "We walk through a market full of fruit stalls.",
    "As the camera slowly moves closer, a wooden door appears.",
    "An aerial fly-through of a canyon.",
    "A drone shot flying over the bay, tilting down to the boats.",
    "The shot begins with a castle, then the camera is rotating clockwise.",
    "Slow zoom on a candle in a dark room.",
    "The camera follows a dog across the lawn.",
    "A kitchen, zooming out to show the garden.",
    "The perspective shifts to the right.",
    "Turn left at the fountain, then walk forward.",
    "A handheld shot of a crowded station.",
    "The camera trucks sideways at eye level.",
    "The scene is revealed by a crane shot above the rooftops.",
    "Gentle camera movement through an old library.",
    "Slowly pan across the square.",
    "Then tilt down to the floor.",
    "A meadow while panning to the right.",
    "THE CAMERA TILTS UPWARD TO THE CEILING",
]
STATIC = [
    "A pan is on the stove.",
    "A pair of tracking shoes stands by the wall.",
    "A rolling hill closes the horizon.",
    "A pan left of the sink and a pan in the oven.",
    "A pan over an open fire.",
    "Pots and pans left on the counter.",
    "A frying pan hangs left of the window.",
    "A road turns left behind the barn.",
    "A camera on a tripod stands in the corner of the studio.",
    "A vintage camera and two lenses lie on a shelf.",
    "A zoom lens lies beside a notebook.",
    "A truck is parked in front of a brick wall.",
    "A crane stands over the harbour under an overcast sky.",
    "A child pushes a swing in the park.",
    "The tilted roof of a shed, covered in moss.",
    "A dolly loaded with boxes stands by the door.",
    "A river runs along the valley, with rolling hills behind it.",
    "The train moves along the platform.",
    "A view of the harbour with white boats.",
    "The room has a fireplace on the left and a bookcase to the right.",
    "Steps lead up to a stone terrace with a moving sculpture.",
    "A dog runs across the grass.",
    "A picture frame hangs over the sofa.",
    "A valley with rolling hills, boulders and small huts in warm light, all surfaces painted.",
    "Orbit-shaped lamps hang from the ceiling.",
    "People walk along the street past shop windows.",
    "",
]


@pytest.mark.parametrize("text", LEAKS)
def test_a_leak_is_found_and_quoted(text):
    leaks = find_leaks(text)
    assert leaks
    assert all(leak in text.lower() for leak in leaks)


@pytest.mark.parametrize("text", STATIC)
def test_a_static_caption_passes(text):
    assert find_leaks(text) == []


def test_phrases_come_once_and_in_order():
    assert find_leaks("Pan left. Then zoom in. Then pan left.") == ["pan left", "zoom in"]
