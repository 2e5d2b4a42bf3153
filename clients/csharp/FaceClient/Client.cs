using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace FaceClient
{
    /// <summary>Calls the face enrollment service. Every operation of the service is a method with its name. A refusal is
    /// thrown as ProblemException; a "no" is an answer.</summary>
    public sealed class Client
    {
        static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(60);

        readonly Connection connection;
        readonly bool hasKey;

        /// <param name="url">Where the service is, with the prefix that a proxy gives it, if any.</param>
        /// <param name="key">null for the door that is open to programs of the same machine, or to ask whether it is ready.</param>
        /// <param name="language">Of what people read: `ko` or `en`.</param>
        public Client(
            string url,
            string key = null,
            string language = null,
            IHttp http = null,
            Retries retries = null,
            TimeSpan? timeout = null)
        {
            connection = new Connection(
                url, key, language, http ?? UsualHttp(), retries ?? new Retries(), timeout ?? UsualTimeout);
            hasKey = key != null;
        }

        public override string ToString() => "Client(" + connection.Url + (hasKey ? ", key ***)" : ")");

        /// <summary>The embedding of whoever stands before the service's camera.</summary>
        public async Task<Token> TokenFromCameraAsync(int? maxFrames = null, CancellationToken cancel = default) =>
            new Token(await Post("/token/camera", new Fields { { "maxFrames", maxFrames } }, cancel));

        /// <summary>The embedding of the photographs in a folder of the service's machine.</summary>
        public async Task<Token> TokenFromDirectoryAsync(
            string dirPath, int? maxImages = null, CancellationToken cancel = default)
        {
            var fields = new Fields { { "dirPath", dirPath }, { "maxImages", maxImages } };
            return new Token(await Post("/token/directory", fields, cancel));
        }

        /// <summary>The embedding of photographs of one person.</summary>
        public async Task<Token> TokenFromImagesAsync(byte[][] photos, CancellationToken cancel = default) =>
            new Token(await Send(Call.About(Face.Photos(photos), "/token/images", new Fields()), cancel));

        /// <summary>Whether a picture would do, before anybody is asked to verify with it.</summary>
        public async Task<Check> CheckAsync(byte[] photo, CancellationToken cancel = default) =>
            new Check(await Send(Call.About(photo, "/check", new Fields()), cancel));

        /// <summary>Enrolls a person, unless somebody enrolled already looks the same: Codes.DuplicateSubject.</summary>
        public async Task<Enrollment> EnrollAsync(
            string subjectId, Face face, EnrollOptions options = null, CancellationToken cancel = default)
        {
            var call = About(face, "/enroll", options, new Fields { { "subjectId", subjectId } });
            call.IdempotencyKey = options?.IdempotencyKey ?? Guid.NewGuid().ToString("N");
            return new Enrollment(await Send(call, cancel));
        }

        /// <summary>Whether this is the person they say they are.</summary>
        public async Task<Verification> VerifyAsync(
            string subjectId, Face face, FaceOptions options = null, CancellationToken cancel = default)
        {
            var call = About(face, "/verify", options, new Fields { { "subjectId", subjectId } });
            return new Verification(await Send(call, cancel));
        }

        /// <summary>Whether this person is enrolled, under whatever name.</summary>
        public async Task<SearchResult> DedupeAsync(
            Face face, SearchOptions options = null, CancellationToken cancel = default) =>
            new SearchResult(await Send(About(face, "/dedupe", options, new Fields()), cancel));

        /// <summary>Whose face this is.</summary>
        public async Task<SearchResult> IdentifyAsync(
            Face face, SearchOptions options = null, CancellationToken cancel = default) =>
            new SearchResult(await Send(About(face, "/identify", options, new Fields()), cancel));

        /// <summary>Begins a liveness session: a random challenge, for one use within 90 seconds.</summary>
        /// <param name="purpose">`verify`, `enroll` or `search`.</param>
        public async Task<Session> BeginSessionAsync(
            string purpose, string subjectId = null, string collection = null, CancellationToken cancel = default)
        {
            var fields = new Fields { { "purpose", purpose }, { "subjectId", subjectId }, { "collection", collection } };
            return new Session(await Post("/liveness/sessions", fields, cancel));
        }

        /// <summary>Sends the frames of one step, in the order in which they were taken; Face.Camera(): the service's
        /// camera takes them.</summary>
        public async Task<Frames> TakeFramesAsync(
            string sessionId, int step, Face frames, CancellationToken cancel = default)
        {
            var where = Call.PathOf("liveness", "sessions", sessionId, "frames");
            var call = Call.About(frames, where, new Fields { { "step", step } });
            call.Once = true;
            return new Frames(await Send(call, cancel));
        }

        /// <summary>Who is enrolled, by their ids; `cursor` is the `nextCursor` of the page before.</summary>
        public Task<Json> ListSubjectsAsync(
            string collection = null, int? limit = null, string cursor = null, CancellationToken cancel = default) =>
            Get("/admin/subjects", Page(collection, limit, cursor), cancel);

        /// <summary>One person, without vectors.</summary>
        public Task<Json> ShowSubjectAsync(
            string subjectId, string collection = null, CancellationToken cancel = default) =>
            Get(Subject(subjectId), In(collection), cancel);

        /// <summary>Everything that is held about a person, vectors included.</summary>
        public Task<Json> ExportSubjectAsync(
            string subjectId, string collection = null, CancellationToken cancel = default) =>
            Get(Subject(subjectId, "export"), In(collection), cancel);

        /// <summary>Forgets a person.</summary>
        public async Task<Erasure> DeleteSubjectAsync(
            string subjectId, string collection = null, CancellationToken cancel = default) =>
            new Erasure(await Delete(Subject(subjectId), In(collection), cancel));

        /// <summary>Forgets a person who takes their consent back.</summary>
        public async Task<Erasure> WithdrawConsentAsync(
            string subjectId, string collection = null, CancellationToken cancel = default) =>
            new Erasure(await Delete(Subject(subjectId, "consent"), In(collection), cancel));

        /// <summary>Gives a person another id.</summary>
        public Task<Json> RenameSubjectAsync(
            string subjectId, string to, string collection = null, CancellationToken cancel = default) =>
            Change(Subject(subjectId, "rename"), In(collection), new Fields { { "to", to } }, cancel);

        /// <summary>Takes the photographs of `from`, who is the same person, over to `subjectId`; `from` is gone then.
        /// `force`: also where the two do not look the same, or were decided to be different people.</summary>
        public Task<Json> MergeSubjectAsync(
            string subjectId,
            string from,
            bool force = false,
            string collection = null,
            CancellationToken cancel = default)
        {
            var fields = new Fields { { "from", from }, { "force", force } };
            return Change(Subject(subjectId, "merge"), In(collection), fields, cancel);
        }

        /// <summary>Opens a person who was locked after too many refusals.</summary>
        public Task<Json> UnlockSubjectAsync(
            string subjectId, string collection = null, CancellationToken cancel = default) =>
            Change(Subject(subjectId, "unlock"), In(collection), null, cancel);

        /// <summary>Those whom OnDuplicate = "flag" has flagged, newest first.</summary>
        /// <param name="status">`open`, which is also meant by null, or `resolved`.</param>
        public Task<Json> ListDuplicatesAsync(
            string collection = null,
            string status = null,
            int? limit = null,
            string cursor = null,
            CancellationToken cancel = default)
        {
            var query = Page(collection, limit, cursor);
            query.Add("status", status);
            return Get("/admin/duplicates", query, cancel);
        }

        /// <summary>Says whether two who look alike are one person. `force`: also against an earlier decision.</summary>
        /// <param name="decision">`same_person` or `different_people`.</param>
        public Task<Json> ResolveDuplicateAsync(
            string duplicateId,
            string decision,
            bool? force = null,
            string collection = null,
            CancellationToken cancel = default)
        {
            var fields = new Fields { { "decision", decision }, { "force", force } };
            return Change(Call.PathOf("admin", "duplicates", duplicateId, "resolve"), In(collection), fields, cancel);
        }

        /// <summary>The collections that the key is let into, a page at a time.</summary>
        public Task<Json> ListCollectionsAsync(
            int? limit = null, string cursor = null, CancellationToken cancel = default) =>
            Get("/admin/collections", Page(null, limit, cursor), cancel);

        /// <summary>A collection's settings, size and stated error rates.</summary>
        public Task<Json> ShowCollectionAsync(string collection, CancellationToken cancel = default) =>
            Get(Call.PathOf("admin", "collections", collection), new Fields(), cancel);

        /// <summary>Creates a collection, or sets all of its settings.</summary>
        public Task<Json> PutCollectionAsync(
            string collection, IDictionary<string, object> settings, CancellationToken cancel = default) =>
            Set("PUT", collection, settings, cancel);

        /// <summary>Sets of a collection what is named; null is a setting too.</summary>
        public Task<Json> ChangeCollectionAsync(
            string collection, IDictionary<string, object> settings, CancellationToken cancel = default) =>
            Set("PATCH", collection, settings, cancel);

        /// <summary>Removes a collection with its people; `default` is emptied instead.</summary>
        public Task<Json> DeleteCollectionAsync(string collection, CancellationToken cancel = default) =>
            Delete(Call.PathOf("admin", "collections", collection), new Fields(), cancel);

        /// <summary>All API keys, without the keys themselves.</summary>
        public Task<Json> ListApiKeysAsync(CancellationToken cancel = default) =>
            Get("/admin/apikeys", new Fields(), cancel);

        /// <summary>Makes an API key; `apiKey` of the answer is shown this once. `collections`: the only ones it may touch.</summary>
        public Task<Json> CreateApiKeyAsync(
            string name,
            string[] scopes,
            string[] collections = null,
            DateTimeOffset? expiresAt = null,
            CancellationToken cancel = default)
        {
            var fields = new Fields
            {
                { "name", name },
                { "scopes", scopes },
                { "collections", collections },
                { "expiresAt", Moments.Text(expiresAt) },
            };
            return Change("/admin/apikeys", new Fields(), fields, cancel);
        }

        /// <summary>From now on the key opens nothing.</summary>
        public Task<Json> RevokeApiKeyAsync(string name, CancellationToken cancel = default) =>
            Delete(Call.PathOf("admin", "apikeys", name), new Fields(), cancel);

        /// <summary>The audit log, newest first, a page at a time.</summary>
        public Task<Json> ListAuditAsync(
            string action = null,
            string collection = null,
            string subjectId = null,
            DateTimeOffset? since = null,
            DateTimeOffset? until = null,
            int? limit = null,
            long? cursor = null,
            CancellationToken cancel = default)
        {
            var query = new Fields
            {
                { "action", action },
                { "collection", collection },
                { "subjectId", subjectId },
                { "since", Moments.Text(since) },
                { "until", Moments.Text(until) },
                { "limit", limit },
                { "cursor", cursor },
            };
            return Get("/admin/audit", query, cancel);
        }

        /// <summary>Whether the process answers.</summary>
        public Task<Json> HealthzAsync(CancellationToken cancel = default) => Get("/healthz", new Fields(), cancel);

        /// <summary>Whether it is ready; where it is not, `database` tells why.</summary>
        public Task<Json> ReadyzAsync(CancellationToken cancel = default) =>
            Send(new Call { Method = "GET", Path = "/readyz", Accepted = 503 }, cancel);

        /// <summary>The numbers of the service, as Prometheus text.</summary>
        public async Task<string> MetricsAsync(CancellationToken cancel = default) =>
            (await connection.Send(new Call { Method = "GET", Path = "/metrics" }, cancel)).Text;

        static IHttp UsualHttp()
        {
#if UNITY_5_3_OR_NEWER
            return new UnityHttp();
#else
            return new HttpClientHttp();
#endif
        }

        static Call About(Face face, string path, FaceOptions options, Fields fields)
        {
            options?.AddTo(fields);
            return Call.About(face, path, fields);
        }

        static string Subject(string subjectId) => Call.PathOf("admin", "subjects", subjectId);

        static string Subject(string subjectId, string rest) => Call.PathOf("admin", "subjects", subjectId, rest);

        static Fields In(string collection) => new Fields { { "collection", collection } };

        static Fields Page(string collection, int? limit, string cursor) =>
            new Fields { { "collection", collection }, { "limit", limit }, { "cursor", cursor } };

        Task<Json> Get(string path, Fields query, CancellationToken cancel) =>
            Send(new Call { Method = "GET", Path = path, Query = query }, cancel);

        Task<Json> Post(string path, Fields fields, CancellationToken cancel) =>
            Send(new Call { Method = "POST", Path = path, Body = fields }, cancel);

        Task<Json> Change(string path, Fields query, Fields fields, CancellationToken cancel) =>
            Send(new Call { Method = "POST", Path = path, Query = query, Body = fields, Once = true }, cancel);

        /// <summary>Done twice it would answer that there is nobody.</summary>
        Task<Json> Delete(string path, Fields query, CancellationToken cancel) =>
            Send(new Call { Method = "DELETE", Path = path, Query = query, Once = true }, cancel);

        Task<Json> Set(
            string method, string collection, IDictionary<string, object> settings, CancellationToken cancel)
        {
            var fields = new Fields();
            foreach (var setting in settings) fields[setting.Key] = setting.Value; // null too
            var path = Call.PathOf("admin", "collections", collection);
            return Send(new Call { Method = method, Path = path, Body = fields }, cancel);
        }

        async Task<Json> Send(Call call, CancellationToken cancel)
        {
            var answer = await connection.Send(call, cancel);
            try
            {
                return Json.Parse(answer.Text);
            }
            catch (FormatException)
            {
                throw new UnexpectedAnswerException(answer.Status, "no JSON");
            }
        }
    }
}
