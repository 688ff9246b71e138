"""The HTTP side of a witness: one address, POST /add-checkpoint."""

from litestar import Litestar, Response, post
from litestar.params import RawBody

from tideng.evidence.witness import BODY_BYTES_MAX, Witness


def witness_app(witness: Witness) -> Litestar:
    """An application that answers as c2sp.org/tlog-witness says."""

    @post("/add-checkpoint", status_code=200, sync_to_thread=True, include_in_schema=False)
    def add_checkpoint(body: RawBody) -> Response[bytes]:
        answer = witness.add_checkpoint(body)
        # As a header: Litestar would add a charset, and the specification names the type exactly.
        return Response(answer.body, status_code=answer.status, headers={"Content-Type": answer.media_type})

    return Litestar(
        [add_checkpoint], openapi_config=None, request_max_body_size=BODY_BYTES_MAX, logging_config=None
    )
