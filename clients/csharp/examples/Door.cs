#if UNITY_5_3_OR_NEWER
using System.Threading;
using FaceClient;
using UnityEngine;

/// <summary>A door that asks the service's camera who stands before it, as programs of old do, and then whether it is this person.</summary>
public sealed class Door : MonoBehaviour
{
    public string url = "http://127.0.0.1:23535";
    public string subjectId = "user-1";

    readonly CancellationTokenSource gone = new CancellationTokenSource();
    Client client;

    void Start()
    {
        // Without a key the service lets programs of the same machine in, for tokens: `face server --open-tokens`.
        client = new Client(url, PlayerPrefs.GetString("face key", null));
    }

    void OnDestroy() => gone.Cancel();

    public async void OnButton()
    {
        try
        {
            var token = await client.TokenFromCameraAsync(5, gone.Token);
            Debug.Log(token.Success ? "seen: " + token.Embedding.Length + " numbers" : token.Error);

            var found = await client.VerifyAsync(subjectId, Face.Camera(5), cancel: gone.Token);
            Debug.Log(found.Match ? "open" : "shut: " + found.Recommendation);
        }
        catch (FaceException error)
        {
            Debug.LogWarning(error.Message);
        }
    }
}
#endif
