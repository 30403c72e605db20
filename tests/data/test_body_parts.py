import numpy as np

from oviton.data.body_parts import ARMS, HEAD_PARTS, LEFT, LEGS, MAY_LIE_ON, RIGHT, TORSO
from oviton.data.classes import CLASS_IDS
from oviton.data.person_folder import read_person_folder


def test_every_part_has_one_place_and_limbs_one_side():
    assert sorted((*TORSO, *HEAD_PARTS, *ARMS, *LEGS)) == list(range(1, 25))
    assert sorted((*LEFT, *RIGHT)) == sorted((*ARMS, *LEGS))


def test_the_example_people_lie_on_the_parts_that_their_classes_may_lie_on(people):
    for folder in sorted(people.iterdir()):
        person = read_person_folder(folder)
        body = person.densepose[..., 0]
        on_body = (person.labels > 0) & (body > 0)
        assert MAY_LIE_ON[person.labels[on_body], body[on_body]].mean() > 0.99, folder
        for name, own in (("left_arm", LEFT), ("right_arm", RIGHT), ("left_leg", LEFT), ("right_shoe", RIGHT)):
            limb = body[on_body & (person.labels == CLASS_IDS[name])]
            assert limb.size == 0 or np.isin(limb, own).mean() > 0.95, (folder, name)
