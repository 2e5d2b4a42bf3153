#if !UNITY_5_3_OR_NEWER // where System.Net.Http may not be referenced
using System;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading;
using System.Threading.Tasks;

namespace FaceClient
{
    /// <summary>By System.Net.Http, which checks certificates. One for all calls of a program.</summary>
    public sealed class HttpClientHttp : IHttp, IDisposable
    {
        readonly HttpClient http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false })
        {
            Timeout = Timeout.InfiniteTimeSpan, // each call has its own
        };

        public async Task<HttpAnswer> SendAsync(HttpCall call, CancellationToken cancel)
        {
            using (var late = CancellationTokenSource.CreateLinkedTokenSource(cancel))
            using (var request = RequestOf(call))
            {
                late.CancelAfter(call.Timeout);
                try
                {
                    using (var response = await http.SendAsync(request, late.Token).ConfigureAwait(false))
                        return await AnswerOf(response).ConfigureAwait(false);
                }
                catch (HttpRequestException lost)
                {
                    throw new ServiceUnreachableException((lost.InnerException ?? lost).Message, false, lost);
                }
                catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
                {
                    throw new ServiceUnreachableException("no answer within " + call.Timeout, true);
                }
            }
        }

        public void Dispose() => http.Dispose();

        static HttpRequestMessage RequestOf(HttpCall call)
        {
            var request = new HttpRequestMessage(new HttpMethod(call.Method), call.Address);
            foreach (var header in call.Headers) request.Headers.Add(header.Key, header.Value);
            request.Headers.ExpectContinue = false;
            if (call.Body == null) return request;
            request.Content = new ByteArrayContent(call.Body);
            request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(call.ContentType);
            return request;
        }

        static async Task<HttpAnswer> AnswerOf(HttpResponseMessage response) => new HttpAnswer
        {
            Status = (int)response.StatusCode,
            RetryAfter = RetryAfter(response),
            Text = await response.Content.ReadAsStringAsync().ConfigureAwait(false),
        };

        static string RetryAfter(HttpResponseMessage response) =>
            response.Headers.TryGetValues("Retry-After", out var after) ? after.First() : null;
    }
}
#endif
