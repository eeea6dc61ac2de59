"""An opening held against the receipt that was posted: the same hashes, and a set that the texts give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.errors import MalformedInputError, NotFoundError
from ledger.protocol.attribution import METHOD_WORD, NO_PRIOR, Scan, attribute, parameters_listing
from ledger.protocol.attribution.transcript import listed_corpus, texts_of
from ledger.protocol.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger.attribution.library import Library
    from ledger.attribution.published import PublishedAsset
    from ledger.protocol.attribution import CorpusEntry, Finder, Prior
    from ledger.protocol.domain import Domain
    from ledger.protocol.opening import Opening
    from settlement.draw.drawing import Drawn


@dataclass(frozen=True)
class Judge:
    """What an attester needs to make a set again.

    Attributes:
        domain: of receipts.
        library: texts of the registered datasets, as this attester got them.
        published: adapters whose priors are at hand, by contentHash.
    """

    domain: Domain
    library: Library
    published: Mapping[bytes, PublishedAsset]

    def fault(
        self, drawn: Drawn, opening: Opening, admitted: frozenset[int], contents: Mapping[int, bytes]
    ) -> str | None:
        """Why the opening does not open the receipt, or its set is wrong; None if all is right.

        Raises:
            NotFoundError: a text or an adapter that it takes is not at hand: nothing can be said.
        """
        wrong = opening.faults(drawn.digest31, self.domain)
        if wrong:
            return f"the opening's {', '.join(wrong)} is not the receipt's"
        if opening.entries != drawn.entries:
            return "the opened set is not the posted one"
        try:
            corpus, texts = listed_corpus(opening.parameters), texts_of(opening.request, opening.produced)
        except MalformedInputError as error:
            return f"the opening can't be read: {error}"
        method = self.library.method
        listing = parameters_listing(method.parameters, corpus)
        if (drawn.method, drawn.params_hash) != (METHOD_WORD, keccak256(listing)) or listing != opening.parameters:
            return "the opened parameters are not those of the batch"
        finder, prior = self._finder(corpus, contents), self._prior(drawn, contents)
        made = attribute(texts, finder, admitted, prior, method).entries
        return (
            None if made == drawn.entries else f"the texts give the set {_text(made)}, posted is {_text(drawn.entries)}"
        )

    def _finder(self, corpus: tuple[CorpusEntry, ...], contents: Mapping[int, bytes]) -> Finder:
        if corpus == self.library.corpus:
            return self.library
        mine = set(self.library.corpus)
        for entry in corpus:
            if contents.get(entry.asset_id) != entry.content_hash or entry not in mine:
                raise NotFoundError(f"The text of dataset {entry.asset_id} is not in this attester's library.")
        wanted = {0, *(entry.asset_id for entry in corpus)}
        return Scan([file for file in self.library.files() if file.asset_id in wanted], self.library.method)

    def _prior(self, drawn: Drawn, contents: Mapping[int, bytes]) -> Prior:
        asset = self.published.get(contents[drawn.asset_id])
        if asset is None:
            raise NotFoundError(f"The files of asset {drawn.asset_id} are not among those that this attester has.")
        file = asset.prior()
        return NO_PRIOR if file is None else file.prior({content: asset_id for asset_id, content in contents.items()})


def _text(entries: tuple[tuple[int, int], ...]) -> str:
    return ", ".join(f"{asset_id}: {ppm} ppm" for asset_id, ppm in entries) or "none"
