using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace FaceClient
{
    /// <summary>How requests travel: HttpClientHttp, in Unity UnityHttp.</summary>
    public interface IHttp
    {
        /// <summary>The answer, whatever its status. Follows no redirect: the key would go along. Throws
        /// ServiceUnreachableException where there is none, OperationCanceledException where the caller gave up.</summary>
        Task<HttpAnswer> SendAsync(HttpCall call, CancellationToken cancel);
    }

    public sealed class HttpCall
    {
        public string Method;
        public string Address;
        public IReadOnlyDictionary<string, string> Headers;
        /// <summary>null for none.</summary>
        public byte[] Body;
        public string ContentType;
        public TimeSpan Timeout;
    }

    public sealed class HttpAnswer
    {
        public int Status;
        /// <summary>null where the header is not there.</summary>
        public string RetryAfter;
        public string Text;
    }
}
