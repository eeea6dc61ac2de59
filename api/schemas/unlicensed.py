"""Evidence of use without a licence."""

from typing import Annotated

from pydantic import Field

from api.schemas.figures import AddressText, HashText, Model


class UnlicensedUse(Model):
    """A passage of the dataset that stood in an answer of an asset whose terms do not admit it."""

    operator: AddressText
    lane: int
    seq: int
    digest: Annotated[HashText, Field(description="Digest of the receipt that the operator signed for the answer")]
    asset_id: Annotated[int, Field(description="The asset that answered")]
    path: Annotated[str, Field(description="File of the dataset in which the passage stands")]
    byte_offset: Annotated[int, Field(description="Where it begins there")]
    words: Annotated[int, Field(description="How many words of it the answer has in a row")]
    millibits: Annotated[int, Field(description="Their surprisal, in thousandths of a bit")]
    noted_at: Annotated[int, Field(description="Unix seconds")]
