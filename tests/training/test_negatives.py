import numpy as np

from pipeline.evaluation import metrics, report
from pipeline.images import hands
from pipeline.images.arrays import Split
from pipeline.images.strokes import LabelledDrawing, render
from pipeline.inference import rejection
from pipeline.training import forms, negatives, samples
from pipeline.training.augment import extended
from pipeline.training.forms import Forms
from tests.data.test_datasets import configured
from tests.hand import DIGITS, moved

PICTURES = np.stack([render(strokes) for strokes in DIGITS.values()])
PEN = configured("augment=pen").augment
HAND = PEN.hands


def only(name: str) -> Forms:
    return Forms(**{field: float(field == name) for field in Forms.model_fields})


def test_what_is_no_digit_has_the_form_of_a_picture_and_hangs_on_the_seed_alone() -> None:
    made = negatives.make(range(25), PICTURES, HAND, PEN.negative_kinds, seed=1)
    assert made.shape == (25, 28, 28)
    assert made.dtype == np.uint8
    assert made.reshape(25, -1).max(axis=1).min() > 200
    assert (made == negatives.make(range(25), PICTURES, HAND, PEN.negative_kinds, seed=1)).all()
    assert (made != negatives.make(range(25), PICTURES, HAND, PEN.negative_kinds, seed=2)).any(axis=(1, 2)).all()
    assert negatives.make(range(0), PICTURES, HAND, PEN.negative_kinds, seed=1).shape == (0, 28, 28)


def test_what_is_no_digit_has_the_kinds_that_are_asked_for() -> None:
    pairs = PEN.negative_kinds.model_copy(update=dict.fromkeys(("letters", "signs", "sharp_signs", "scribbles"), 0))
    hands_apart = HAND.model_copy(update={"pen_width": [1.0, 1.0]})  # pairs are of images, which no hand writes anew
    one, other = (negatives.make(range(5), PICTURES, hand, pairs, seed=1) for hand in (HAND, hands_apart))
    assert (one == other).all()


def test_no_letter_is_trained_on_twice_or_held_out_besides() -> None:
    letters = negatives._letters(negatives.TRAINED_LETTERS) + negatives._letters(negatives.HELD_OUT_LETTERS)
    shapes = {tuple(map(bytes, (np.round(line, 2) + 0.0 for line in letter))) for letter in letters}
    assert (
        len(shapes)
        == len(letters)
        == sum(map(len, [*negatives.TRAINED_LETTERS.values(), *negatives.HELD_OUT_LETTERS.values()]))
    )


def test_what_rejection_is_measured_by_is_not_what_was_trained_on() -> None:
    held_out = negatives.SIGNS["held_out"]
    assert not set(held_out) & (set(negatives.SIGNS["trained"]) | set(negatives.SIGNS["sharp"]))
    assert negatives.held_out(9, HAND, seed=0).shape == (9, 28, 28)


def test_a_form_changes_drawings_of_its_digit_alone() -> None:
    for digit, own in enumerate(forms.FORMS):
        drawing = [np.array(stroke) for stroke in DIGITS[digit]]
        for name in Forms.model_fields:
            varied = forms.vary(digit, drawing, only(name), np.random.default_rng(0))
            same = len(varied) == len(drawing) and all(map(np.array_equal, varied, drawing))
            assert same == (name not in own)


def test_a_slash_runs_through_the_zero_and_may_leave_it() -> None:
    zero = [np.array(stroke) for stroke in DIGITS[0]]
    slashes = [forms.vary(0, zero, only("zero_slashed"), np.random.default_rng(seed))[-1] for seed in range(100)]
    middles = np.array([slash.mean(axis=0) for slash in slashes])
    assert np.abs(middles - 0.5).max() < 0.3
    lengths = np.array([np.hypot(*(slash[1] - slash[0])) for slash in slashes])
    assert (lengths < 0.6).any()
    assert (lengths > 1.1).any()


def test_another_hand_changes_strokes_a_little_and_hangs_on_the_seed_alone() -> None:
    hand = HAND
    for strokes in DIGITS.values():
        drawing = [np.array(stroke) for stroke in strokes]
        (one, same, other) = (hands.render(drawing, hand, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert (one == same).all()
        assert (one != other).any()
        assert len(hands.change(drawing, hand, np.random.default_rng(0))) == len(drawing)
    still = configured("augment=none").augment.hands
    drawing = [np.array(stroke) for stroke in DIGITS[3]]
    difference = hands.render(drawing, still, np.random.default_rng(0)).astype(int) - render(DIGITS[3])
    assert np.abs(difference).mean() < 2


def test_the_unit_of_the_strokes_makes_no_difference_to_what_is_trained_on() -> None:
    train = Split(PICTURES, np.arange(10, dtype=np.uint8))
    options = configured("augment=light").augment
    small = [LabelledDrawing(digit, strokes) for digit, strokes in DIGITS.items()]
    large = [LabelledDrawing(digit, moved(strokes, 40, 90, 250)) for digit, strokes in DIGITS.items()]
    one, other = (extended(train, drawings, options, seed=0).images.astype(int) for drawings in (small, large))
    assert len(one) == 20
    assert np.abs(one - other).max() <= 1
    assert (one[10:] != PICTURES).any(axis=(1, 2)).all()  # by another hand


def test_the_sheet_shows_each_form_that_is_used_and_what_is_no_digit() -> None:
    drawings = [LabelledDrawing(digit, strokes) for digit, strokes in DIGITS.items()]
    options = configured("augment=none", "augment.forms.seven_bar=0.5", "augment.forms.zero_dotted=0.5").augment
    sheet = samples.sheet(drawings, PICTURES, options, seed=0)
    assert sheet is not None
    assert sheet.height == 2 * 28
    assert (np.asarray(sheet)[:, -28:] < 100).any()
    with_others = samples.sheet([], PICTURES, configured("augment=pen").augment, seed=0)
    assert with_others is not None
    assert with_others.height == 28
    assert samples.sheet([], PICTURES, configured("augment=none").augment, seed=0) is None


def test_the_thresholds_reject_and_doubt_the_parts_that_they_were_asked_to() -> None:
    logits = np.random.default_rng(0).normal(0, 3, (5 * 1000, 10)).astype(np.float32)
    options = configured("rejection.rejected_digits=0.01", "rejection.uncertain_digits=0.02").rejection
    thresholds = rejection.thresholds(options, logits, answers_by_mean=False)
    verdicts = [thresholds.verdict(score, probability=1.0) for score in rejection.score(logits)]
    assert [verdicts.count(verdict) for verdict in ("none", "uncertain", "digit")] == [10, 10, 980]
    assert {thresholds.verdict(score, probability=0.5) for score in rejection.score(logits)} == {"none", "uncertain"}
    assert np.allclose(rejection.score(logits + 5), rejection.score(logits), atol=1e-4)  # a softmax leaves that open


def test_undecided_logits_score_lower_than_decided_ones() -> None:
    undecided, decided = rejection.score(np.array([np.zeros(10), [9.0, *[0.0] * 9]] * 5, np.float32))
    assert undecided < decided


def test_an_image_that_looks_like_a_digit_at_one_place_only_scores_lower_than_one_that_does_everywhere() -> None:
    seven, nothing = [*[0.0] * 7, 9.0, 0.0, 0.0], [0.0] * 10
    once, everywhere = rejection.score(np.array([seven, seven, *[nothing, seven] * 4], np.float32))
    assert once < everywhere


def test_answers_go_by_the_mean_of_the_copies_where_that_reads_the_validation_split_better() -> None:
    alone = np.array([[0.0] * 3 + [4.0] + [0.0] * 6] * 2, np.float32)  # of a network that is right of the images as they are
    for of_moved, by_mean in ((alone * 2, True), (np.roll(alone, 1, axis=1), False)):
        logits = np.concatenate([alone, *[of_moved] * 4])
        assert report.mean_is_better(logits, np.array([3, 3], np.uint8)) == by_mean
        limits = rejection.Thresholds(answers_by_mean=by_mean)
        assert np.allclose(limits.logits_of_answers(logits), alone * 1.8 if by_mean else alone)


def test_the_copies_are_the_images_and_the_images_moved_each_way() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[0, 10] = 255  # at the upper edge: what is moved out of the image is gone, and doesn't come back on the other side
    same, up, down, left, right = rejection.copies(np.stack([image, image])).reshape(5, 2, 28, 28)[:, 1]
    assert (same == image).all()
    assert not up.any()
    assert [np.argwhere(moved).tolist() for moved in (down, left, right)] == [[[2, 10]], [[0, 8]], [[0, 12]]]


def test_the_area_under_the_curve_counts_pairs() -> None:
    assert metrics.auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1
    assert metrics.auroc(np.array([1.0]), np.array([1.0])) == 0.5
    assert metrics.auroc(np.array([0.0, 2.0]), np.array([1.0, 1.0])) == 0.5
