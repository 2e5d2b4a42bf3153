// Enrolls a person by one photograph and verifies them by another.
//
//     FACE_URL=http://127.0.0.1:23535 FACE_KEY=face_... mono Enroll.exe default user-1 first.jpg second.jpg
using System;
using System.IO;
using System.Threading.Tasks;
using FaceClient;

static class Enroll
{
    static void Main(string[] args) => Run(args[0], args[1], args[2], args[3]).GetAwaiter().GetResult();

    static async Task Run(string collection, string subjectId, string first, string second)
    {
        var url = Environment.GetEnvironmentVariable("FACE_URL");
        var client = new Client(url, Environment.GetEnvironmentVariable("FACE_KEY"), language: "en");
        try
        {
            await client.EnrollAsync(subjectId, File.ReadAllBytes(first), new EnrollOptions { Collection = collection });
        }
        catch (ProblemException error) when (error.Code == Codes.DuplicateSubject)
        {
            Console.WriteLine("enrolled already: " + error.Document["errors"]);
            return;
        }
        catch (ProblemException error) when (error.Code == Codes.NoUsableFace)
        {
            Console.WriteLine("take another one: " + error.Document["errors"].Items[0]["advice"].Text);
            return;
        }
        var options = new FaceOptions { Collection = collection };
        var found = await client.VerifyAsync(subjectId, File.ReadAllBytes(second), options);
        Console.WriteLine((found.Match ? "match " : "no match ") + found.Recommendation);
    }
}
