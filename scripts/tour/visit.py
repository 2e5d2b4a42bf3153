"""The main job, over HTTP: enroll, verify, refuse a duplicate, delete; in a collection of its own."""

from __future__ import annotations

from scripts.tour.calls import Answer, Service
from scripts.tour.photographs import Cast
from scripts.tour.table import StepFailed, Table
from scripts.tour.words import Words


class Visit:
    """One run through the service with the people of `cast`. Each step raises `StepFailed`."""

    def __init__(
        self, service: Service, cast: Cast, collection: str, table: Table, words: Words
    ) -> None:
        self._service = service
        self._cast = cast
        self._collection = collection
        self._table = table
        self._words = words

    def run(self) -> None:
        self._open_collection()
        try:
            self._enroll("enroll")
            self._verify("verify_same", expected=True)
            self._verify("verify_other", expected=False)
            self._refuse_duplicate()
            self._delete()
            self._verify_deleted()
            self._enroll("enroll_anew")
        finally:
            self._clean_up()

    def _open_collection(self) -> None:
        with self._table.step(self._words("collection")) as row:
            self._expect(200, self._service.put(f"/admin/collections/{self._collection}", {}))
            row.outcome = self._collection

    def _enroll(self, step: str) -> None:
        with self._table.step(self._words(step)) as row:
            subject, photographs = self._cast.subject, self._cast.enrolled
            answer = self._service.post("/enroll", photographs, **self._fields(subject))
            self._expect(201, answer)
            used = answer.body["imagesUsed"]
            row.outcome = self._words("enrolled", subject=subject, used=used)

    def _verify(self, step: str, *, expected: bool) -> None:
        with self._table.step(self._words(step)) as row:
            photograph = self._cast.same if expected else self._cast.other
            answer = self._service.post("/verify", [photograph], **self._fields(self._cast.subject))
            self._expect(200, answer)
            row.outcome = self._decision(answer)
            if answer.body["match"] is not expected:
                raise StepFailed(row.outcome, self._words("advice_visit"))

    def _refuse_duplicate(self) -> None:
        with self._table.step(self._words("duplicate")) as row:
            fields = self._fields(f"{self._cast.subject}-again")
            answer = self._service.post("/enroll", [self._cast.same], **fields)
            self._expect(409, answer, "duplicate_subject")
            known = answer.body["errors"][0]
            row.outcome = self._words(
                "duplicate_refused", subject=known["subjectId"], similarity=known["similarity"]
            )

    def _delete(self) -> None:
        with self._table.step(self._words("delete")) as row:
            path = f"/admin/subjects/{self._cast.subject}?collection={self._collection}"
            answer = self._service.delete(path)
            self._expect(200, answer)
            row.outcome = self._words("deleted", templates=answer.body["templatesDeleted"])

    def _verify_deleted(self) -> None:
        with self._table.step(self._words("verify_deleted")) as row:
            fields = self._fields(self._cast.subject)
            answer = self._service.post("/verify", [self._cast.same], **fields)
            self._expect(404, answer, "subject_not_found")
            row.outcome = self._words("not_found")

    def _clean_up(self) -> None:
        with self._table.step(self._words("clean_up")) as row:
            self._expect(200, self._service.delete(f"/admin/collections/{self._collection}"))
            row.outcome = self._words("cleaned_up", collection=self._collection)

    def _fields(self, subject: str) -> dict[str, str]:
        return {"subjectId": subject, "collection": self._collection}

    def _decision(self, answer: Answer) -> str:
        return self._words(
            "match" if answer.body["match"] else "no_match",
            similarity=answer.body["similarity"],
            threshold=answer.body["threshold"],
        )

    def _expect(self, status: int, answer: Answer, code: str | None = None) -> None:
        if answer.status != status or answer.body.get("code") != code:
            problem = self._words("unexpected", status=answer.status, body=answer.body)
            raise StepFailed(problem, self._words("advice_visit"))
