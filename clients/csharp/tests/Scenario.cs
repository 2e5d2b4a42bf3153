// What all clients go through, in C#; prints what came of it as JSON. The other clients' are the same.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using FaceClient;

static class Scenario
{
    static readonly string[] Photos = Setting("PHOTOS").Split(Path.PathSeparator);
    static readonly byte[] First = File.ReadAllBytes(Photos[0]);
    static readonly byte[] Second = File.ReadAllBytes(Photos[1]);
    static readonly byte[] Stranger = File.ReadAllBytes(Photos[2]);
    static readonly string Collection = Setting("COLLECTION");
    static readonly FaceOptions Here = new FaceOptions { Collection = Collection };
    static readonly SearchOptions AmongThese = new SearchOptions { Collection = Collection };
    static readonly Client Client = new Client(Setting("URL"), Setting("KEY"), "en");
    static readonly Dictionary<string, object> Said = new Dictionary<string, object>();

    static void Main()
    {
        Said["client"] = Client.ToString();
        Said["methods"] = typeof(Client).GetMethods().Select(each => each.Name).Where(name => name.EndsWith("Async"));
        foreach (var part in new Func<Task>[] { Enrollment, Answers, Liveness, Administration, Duplicates, ApiKeys, Deletion, Failures })
            part().GetAwaiter().GetResult();
        Console.WriteLine(Json.Of(Said));
    }

    static string Setting(string name) => Environment.GetEnvironmentVariable("FACE_" + name);

    static Client Other(string name) => new Client(Setting(name), Setting("KEY"));

    /// <summary>Through a door that is shut at first.</summary>
    static async Task Enrollment()
    {
        await Client.PutCollectionAsync(Collection, new Dictionary<string, object> { { "retentionDays", 30 } });
        var options = new EnrollOptions
        {
            Collection = Collection,
            Metadata = new Dictionary<string, object> { { "door", "north" } },
        };
        var enrolled = await Other("BUSY_URL").EnrollAsync("kim", First, options);
        Said["enrolled"] = enrolled.SubjectId;
        Said["images used"] = enrolled.ImagesUsed;
    }

    static async Task Answers()
    {
        var other = await Client.VerifyAsync("kim", Stranger, Here);
        var dedupe = await Client.DedupeAsync(Second, AmongThese);
        Said["match"] = (await Client.VerifyAsync("kim", Second, Here)).Match;
        Said["stranger"] = new object[] { other.Match, other.Recommendation };
        Said["duplicate"] = new object[] { dedupe.Found, dedupe.Candidates.First().SubjectId };
        Said["identified"] = (await Client.IdentifyAsync(Second, AmongThese)).Found;
        Said["usable"] = (await Client.CheckAsync(First)).Usable;
        Said["numbers"] = (await Client.TokenFromImagesAsync(new[] { First, Second })).Embedding.Length;
        Said["camera"] = (await Client.TokenFromCameraAsync(1)).Embedding.Length;
        var again = new EnrollOptions { Collection = Collection };
        Said["second enrollment"] = await Refusal(Client.EnrollAsync("lee", Second, again));
    }

    static async Task Liveness()
    {
        var session = await Client.BeginSessionAsync("verify", "kim", Collection);
        Said["challenge"] = session.Challenge.First().Do;
        Said["frames"] = (await Client.TakeFramesAsync(session.SessionId, 0, First)).Accepted;
    }

    static async Task Administration()
    {
        var subjects = await Client.ListSubjectsAsync(Collection);
        Said["subjects"] = subjects["subjects"].Items.Select(one => one["subjectId"]);
        Said["metadata"] = (await Client.ShowSubjectAsync("kim", Collection))["metadata"];
        Said["templates"] = (await Client.ExportSubjectAsync("kim", Collection))["templates"].Items.Count;
        Said["retention"] = (await Client.ShowCollectionAsync(Collection))["retentionDays"];
    }

    static async Task Duplicates()
    {
        await Client.EnrollAsync("lee", Second, new EnrollOptions { Collection = Collection, OnDuplicate = "flag" });
        var flagged = (await Client.ListDuplicatesAsync(Collection))["duplicates"].Items.Single();
        var where = flagged["duplicateId"].Text;
        var resolved = await Client.ResolveDuplicateAsync(where, "same_person", collection: Collection);
        Said["flagged"] = new[] { flagged["subjectId"], flagged["duplicateOf"] };
        Said["decision"] = resolved["decision"];
        Said["renamed"] = (await Client.RenameSubjectAsync("lee", "lee-2", Collection))["subjectId"];
        Said["merged"] = (await Client.MergeSubjectAsync("kim", "lee-2", collection: Collection))["subjectId"];
        Said["gone"] = await Refusal(Client.ShowSubjectAsync("lee-2", Collection));
        Said["locked"] = (await Client.UnlockSubjectAsync("kim", Collection))["lockedUntil"];
    }

    static async Task ApiKeys()
    {
        var name = Collection + "-key";
        var made = await Client.CreateApiKeyAsync(name, new[] { "verify" }, new[] { Collection });
        var bound = new Client(Setting("URL"), made["apiKey"].Text);
        Said["match by new key"] = (await bound.VerifyAsync("kim", Second, Here)).Match;
        await Client.RevokeApiKeyAsync(name);
        var keys = (await Client.ListApiKeysAsync())["apiKeys"].Items;
        Said["revoked"] = keys.Any(each => each["name"].Text == name && !each["revokedAt"].IsNull);
        Said["revoked key"] = await Refusal(bound.VerifyAsync("kim", Second, Here));
    }

    static async Task Deletion()
    {
        Said["deleted"] = (await Client.DeleteSubjectAsync("kim", Collection)).TemplatesDeleted;
        Said["after deletion"] = await Refusal(Client.VerifyAsync("kim", First, Here));
    }

    static async Task Failures()
    {
        Said["wrong key"] = await Refusal(new Client(Setting("URL"), "face_wrong").ListSubjectsAsync());
        Said["redirect"] = await Refusal(Other("MOVED_URL").ListSubjectsAsync());
        Said["unknown certificate"] = await Refusal(Other("UNTRUSTED_URL").ReadyzAsync());
        Said["no service"] = await Refusal(Other("CLOSED_URL").DeleteSubjectAsync("kim"));
    }

    /// <summary>Status and code where the service refused, else what became of the call.</summary>
    static async Task<string> Refusal(Task call)
    {
        try
        {
            await call;
        }
        catch (ProblemException problem)
        {
            return problem.Status + " " + problem.Code;
        }
        catch (UnexpectedAnswerException)
        {
            return "unexpected answer";
        }
        catch (ServiceUnreachableException)
        {
            return "unreachable";
        }
        return "none";
    }
}
