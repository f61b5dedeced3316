"""The variant that a stream follows: that of its spec, in the quality that its client can take."""

import dataclasses
import time
from contextlib import ExitStack

from webcapd.encoder.cell import Subscription
from webcapd.encoder.leases import TooManyVariants
from webcapd.encoder.variant import Variant, VariantSpec
from webcapd.encoder.variants import Variants
from webcapd.http.site import Site
from webcapd.http.streaming.ladder import LadderRules, LadderState, delivered, levels_down_to


class FollowedVariant:
    """A lease of a variant, and a subscription to its frames; one stream's."""

    def __init__(
        self, variants: Variants, spec: VariantSpec, fps: float, rules: LadderRules
    ) -> None:
        """Subscribe; raises TooManyVariants."""
        self._variants = variants
        self._fps, self._rules = fps, rules
        self._asked_for = spec
        self.ladder = LadderState()
        self.is_resting = False
        """Whether the quality asked for is followed although the client was too slow for it."""
        self._leases = ExitStack()
        self._subscribe(spec)

    def close(self) -> None:
        """Want no more frames."""
        self._leases.close()

    def _subscribe(self, spec: VariantSpec) -> None:
        """Follow the variant of a spec, and no other; raises TooManyVariants."""
        with ExitStack() as leases:
            variant = leases.enter_context(self._variants.lease(spec))
            subscription = leases.enter_context(variant.latest.subscribed(self._fps))
            self._leases.close()
            self._leases = leases.pop_all()
        self.spec = spec
        self.variant: Variant = variant
        self.subscription: Subscription = subscription

    def note_age(self, age: float) -> bool:
        """Change the quality if a frame was too long on its way; tells whether that was done."""
        if self.is_resting:
            # There was nothing newer to send meanwhile.
            return False
        state = delivered(self.ladder, age, time.monotonic(), self._rules)
        is_another = state.level != self.ladder.level
        if is_another and not self._follow(state):
            state, is_another = state._replace(level=self.ladder.level), False
        self.ladder = state
        return is_another

    @property
    def is_lowered(self) -> bool:
        """Whether another quality is followed than was asked for."""
        return self.ladder.level > 0 and not self.is_resting

    def rest(self) -> bool:
        """Follow what was asked for while nothing moves; tells whether that is another variant."""
        self.is_resting = self.is_lowered and self._follow(LadderState())
        return self.is_resting

    def resume(self) -> None:
        """Follow what the client is fast enough for, as something moves."""
        self._follow(self.ladder)
        self.is_resting = False

    def _follow(self, state: LadderState) -> bool:
        quality = state.quality(self._rules) or self._asked_for.quality
        try:
            self._subscribe(dataclasses.replace(self._asked_for, quality=quality))
        except TooManyVariants:
            return False
        return True


def follow(site: Site, spec: VariantSpec, fps: float) -> FollowedVariant:
    """Follow the variant of a spec, by the rules of a site; raises TooManyVariants."""
    # What happens if the client is too slow for the quality requested.
    levels = levels_down_to(site.options.min_quality, spec.quality or site.motion_quality)
    return FollowedVariant(
        site.forms.variants, spec, fps, LadderRules(site.options.max_age, levels)
    )
