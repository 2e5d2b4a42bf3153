using System.Collections.Generic;
using System.Linq;

namespace FaceClient
{
    /// <summary>What the service answers. Fields has all of it, by the names of the service; those that programs read
    /// most are properties.</summary>
    public abstract class Answer
    {
        protected Answer(Json fields)
        {
            Fields = fields;
        }

        public Json Fields { get; }

        public override string ToString() => Fields.ToString();
    }

    /// <summary>Of /token/*. A capture that fails is an answer: Success is false, and Error says why.</summary>
    public sealed class Token : Answer
    {
        internal Token(Json fields) : base(fields)
        {
            Embedding = fields["embedding"].IsNull
                ? null
                : fields["embedding"].Items.Select(number => (float)number.Number.Value).ToArray();
        }

        public bool Success => Fields["success"].Bool;

        /// <summary>512 numbers; null where there is none.</summary>
        public float[] Embedding { get; }
        public string Error => Fields["error"].Text;
        public string Code => Fields["code"].Text;
    }

    /// <summary>Of one photograph.</summary>
    public sealed class ImageOutcome : Answer
    {
        internal ImageOutcome(Json fields) : base(fields) { }

        public bool Accepted => Fields["accepted"].Bool;
        public string Reason => Fields["reason"].Text;
        public string Advice => Fields["advice"].Text;
    }

    public sealed class Check : Answer
    {
        internal Check(Json fields) : base(fields) { }

        public bool Usable => Fields["usable"].Bool;
        public string Reason => Fields["reason"].Text;
        public string Advice => Fields["advice"].Text;
    }

    public sealed class Enrollment : Answer
    {
        internal Enrollment(Json fields) : base(fields) { }

        public string SubjectId => Fields["subjectId"].Text;
        public string TemplateId => Fields["templateId"].Text;
        public int ImagesUsed => Fields["imagesUsed"].Integer ?? 0;
        public IEnumerable<ImageOutcome> Images => Fields["images"].Items.Select(one => new ImageOutcome(one));
    }

    public sealed class Verification : Answer
    {
        internal Verification(Json fields) : base(fields) { }

        public bool Match => Fields["match"].Bool;

        /// <summary>null where the service tells bands only.</summary>
        public double? Similarity => Fields["similarity"].Number;
        public string Band => Fields["band"].Text;

        /// <summary>`allow`, `recapture` or `deny`.</summary>
        public string Recommendation => Fields["recommendation"].Text;
        public IEnumerable<ImageOutcome> Images => Fields["images"].Items.Select(one => new ImageOutcome(one));
    }

    public sealed class Candidate : Answer
    {
        internal Candidate(Json fields) : base(fields) { }

        public string SubjectId => Fields["subjectId"].Text;
        public double? Similarity => Fields["similarity"].Number;
        public string Band => Fields["band"].Text;
    }

    /// <summary>Of a duplicate check or an identification.</summary>
    public sealed class SearchResult : Answer
    {
        internal SearchResult(Json fields) : base(fields) { }

        /// <summary>`duplicate` or `match`.</summary>
        public bool Found => Fields["duplicate"].Bool || Fields["match"].Bool;
        public IEnumerable<Candidate> Candidates => Fields["candidates"].Items.Select(one => new Candidate(one));
    }

    public sealed class ChallengeStep : Answer
    {
        internal ChallengeStep(Json fields) : base(fields) { }

        public int Step => Fields["step"].Integer ?? 0;

        /// <summary>`look_ahead`, `turn_left` and so on.</summary>
        public string Do => Fields["do"].Text;

        /// <summary>The same for the person, in the language of the client.</summary>
        public string Message => Fields["message"].Text;
    }

    public sealed class Session : Answer
    {
        internal Session(Json fields) : base(fields) { }

        public string SessionId => Fields["sessionId"].Text;
        public IEnumerable<ChallengeStep> Challenge => Fields["challenge"].Items.Select(one => new ChallengeStep(one));
    }

    public sealed class Frames : Answer
    {
        internal Frames(Json fields) : base(fields) { }

        public bool Accepted => Fields["accepted"].Bool;

        /// <summary>The step to go on with; null when all are done.</summary>
        public int? Next => Fields["next"].Integer;
        public string Advice => Fields["advice"].Text;
    }

    public sealed class Erasure : Answer
    {
        internal Erasure(Json fields) : base(fields) { }

        public int TemplatesDeleted => Fields["templatesDeleted"].Integer ?? 0;
        public string AuditId => Fields["auditId"].Text;
    }
}
