"""The client for TypeScript in a browser: what node does not show of it."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.sync_api import Browser

from tests.contract.client_programs import FOLDER, programs
from tests.contract.installation import Server

ASK = """
async ([key, collection, photograph]) => {
  const { FaceClient, Problem } = await import("/client/index.js");
  const client = new FaceClient(location.origin, { key });
  const bytes = Uint8Array.from(atob(photograph), (one) => one.charCodeAt(0));
  const file = new File([bytes], "a name that is not sent.png", { type: "image/png" });
  const found = await client.identify(file, { collection });
  const refused = await client.enroll("somebody else", file, { collection }).catch((error) => error);
  return [found.candidates[0].subjectId, refused instanceof Problem, refused.code];
}
"""


def test_browser_asks_the_service(
    browser: Browser,
    server: Server,
    operator_key: str,
    gallery: str,
    people: dict[str, list[Path]],
    tmp_path: Path,
) -> None:
    programs("typescript", tmp_path)
    page = browser.new_page()
    modules = FOLDER / "typescript" / "dist"
    page.route(
        "**/client/*.js",
        lambda route: route.fulfill(path=modules / route.request.url.rpartition("/")[2]),
    )
    page.goto(f"{server.url}/console")
    photograph = base64.b64encode(people["amy"][1].read_bytes()).decode()
    answer = page.evaluate(ASK, [operator_key, gallery, photograph])
    page.close()
    assert answer == ["amy", True, "invalid_request"]
