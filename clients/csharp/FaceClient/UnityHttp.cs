#if UNITY_5_3_OR_NEWER
using System;
using System.Threading;
using System.Threading.Tasks;
using UnityEngine.Networking;

namespace FaceClient
{
    /// <summary>By UnityWebRequest, which checks certificates. Called on Unity's main thread, where answers come too.</summary>
    public sealed class UnityHttp : IHttp
    {
        public Task<HttpAnswer> SendAsync(HttpCall call, CancellationToken cancel)
        {
            var request = RequestOf(call);
            var done = new TaskCompletionSource<HttpAnswer>();
            var givenUp = cancel.Register(request.Abort);
            request.SendWebRequest().completed += _ =>
            {
                givenUp.Dispose();
                using (request) Finish(request, done, cancel);
            };
            return done.Task;
        }

        static UnityWebRequest RequestOf(HttpCall call)
        {
            var request = new UnityWebRequest(call.Address, call.Method)
            {
                downloadHandler = new DownloadHandlerBuffer(),
                redirectLimit = 0,
                useHttpContinue = false,
                timeout = (int)Math.Ceiling(call.Timeout.TotalSeconds),
            };
            if (call.Body != null)
                request.uploadHandler = new UploadHandlerRaw(call.Body) { contentType = call.ContentType };
            foreach (var header in call.Headers) request.SetRequestHeader(header.Key, header.Value);
            return request;
        }

        static void Finish(UnityWebRequest request, TaskCompletionSource<HttpAnswer> done, CancellationToken cancel)
        {
            if (cancel.IsCancellationRequested)
                done.SetCanceled();
            else if (IsLost(request))
                done.SetException(new ServiceUnreachableException(request.error, IsLate(request.error)));
            else
                done.SetResult(new HttpAnswer
                {
                    Status = (int)request.responseCode,
                    RetryAfter = request.GetResponseHeader("Retry-After"),
                    Text = request.downloadHandler.text,
                });
        }

        static bool IsLost(UnityWebRequest request)
        {
#if UNITY_2020_2_OR_NEWER
            return request.result == UnityWebRequest.Result.ConnectionError;
#else
            return request.isNetworkError;
#endif
        }

        /// <summary>Unity tells a timeout by its words alone.</summary>
        static bool IsLate(string error) => error != null && error.IndexOf("timeout", StringComparison.OrdinalIgnoreCase) >= 0;
    }
}
#endif
