"""An opening held against the receipt that was posted: the same hashes, and a set that the texts give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.attribution.part import finder_among
from ledger.errors import MalformedInputError, NotFoundError
from ledger.protocol.attribution import METHOD_WORD, NO_PRIOR, attribute, parameters_listing
from ledger.protocol.attribution.transcript import listed_corpus, texts_of
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.attribution.following import FollowedLibrary
    from ledger.attribution.library import Library
    from ledger.attribution.published import Published
    from ledger.protocol.attribution import CorpusEntry, Prior
    from ledger.protocol.domain import Domain
    from ledger.protocol.opening import Opening
    from settlement.draw.drawing import Drawn, Registry


@dataclass(frozen=True)
class Judge:
    """What an attester needs to make a set again.

    Attributes:
        domain: of receipts.
        library: texts of the registered datasets, as this attester got them.
        published: adapters whose priors are at hand, by contentHash.
    """

    domain: Domain
    library: FollowedLibrary
    published: Published

    def fault(self, drawn: Drawn, opening: Opening, registry: Registry) -> str | None:
        """Why the opening does not open the receipt, or its set is wrong; None if all is right.

        Raises:
            NotFoundError: a text or an adapter that it takes is not at hand: nothing can be said.
            LibraryError: the library was changed and can't be opened.
        """
        wrong = opening.faults(drawn.digest31, self.domain)
        if wrong:
            return f"the opening's {', '.join(wrong)} is not the receipt's"
        if opening.entries != drawn.entries:
            return "the opened set is not the posted one"
        try:
            corpus, texts = listed_corpus(opening.parameters), texts_of(opening.request, opening.produced)
            listing = parameters_listing(self.library.current.method.parameters, corpus)
        except MalformedInputError as error:
            return f"the opening can't be read: {error}"
        if (drawn.method, drawn.params_hash) != (METHOD_WORD, keccak256(listing)) or listing != opening.parameters:
            return "the opened parameters are not those of the batch"
        for asset_id, content_hash in corpus:
            if asset_id not in registry.datasets or registry.contents[asset_id] != content_hash:
                return f"the parameters list dataset {asset_id}, which is not registered as that"
        library = self._library(corpus)
        finder, prior = finder_among(library, corpus), self._prior(drawn, registry)
        made = attribute(texts, finder, registry.admitted, prior, library.method).entries
        return (
            None if made == drawn.entries else f"the texts give the set {_text(made)}, posted is {_text(drawn.entries)}"
        )

    def left_out(self, opening: Opening, registry: Registry) -> Sequence[int]:
        """Datasets that the terms admit and this attester has, and that the opening's listing lacks; no fault by itself.

        An operator may not have got a text. But if it leaves one out for long, its owner loses by it and should know.
        """
        listed = {entry.asset_id for entry in listed_corpus(opening.parameters)}
        mine = {entry.asset_id for entry in self.library.current.corpus}
        return sorted((registry.admitted & mine) - listed)

    def _library(self, corpus: Sequence[CorpusEntry]) -> Library:
        """The library as it is known, or as it is now if it lacked one of these."""
        known = self.library.current
        return known if set(known.corpus).issuperset(corpus) else self.library.look()

    def _prior(self, drawn: Drawn, registry: Registry) -> Prior:
        asset = self.published.get(registry.contents[drawn.asset_id])
        if asset is None:
            raise NotFoundError(f"The files of asset {drawn.asset_id} are not among those that this attester has.")
        file = asset.prior()
        ids = {content: asset_id for asset_id, content in registry.contents.items()}
        return NO_PRIOR if file is None else file.prior(ids)


def _text(entries: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{asset_id}: {ppm} ppm" for asset_id, ppm in entries) or "none"
