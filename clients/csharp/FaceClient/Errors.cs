using System;

namespace FaceClient
{
    /// <summary>A call came to nothing: ServiceUnreachableException, UnexpectedAnswerException or ProblemException.</summary>
    public abstract class FaceException : Exception
    {
        protected FaceException(string message, Exception cause = null) : base(message, cause) { }
    }

    /// <summary>No answer came: whether the service did what was asked is not known.</summary>
    public sealed class ServiceUnreachableException : FaceException
    {
        public ServiceUnreachableException(string message, bool late, Exception cause = null) : base(message, cause)
        {
            Late = late;
        }

        /// <summary>The service may be at work for it still, so that it is not asked again.</summary>
        public bool Late { get; }
    }

    /// <summary>Something else than the service answered: a proxy, or a redirect, which is never followed.</summary>
    public sealed class UnexpectedAnswerException : FaceException
    {
        public UnexpectedAnswerException(int status, string sentence) : base(status + ": " + sentence)
        {
            Status = status;
        }

        public int Status { get; }
    }

    /// <summary>The service refused, by a problem document (RFC 9457).</summary>
    public sealed class ProblemException : FaceException
    {
        public ProblemException(int status, Json document, double? retryAfter)
            : base(status + " " + document["code"].Text + ": " + (document["detail"].Text ?? document["title"].Text))
        {
            Status = status;
            Document = document;
            RetryAfter = retryAfter;
        }

        public int Status { get; }

        /// <summary>One of Codes, or one that is newer than this client.</summary>
        public string Code => Document["code"].Text;
        public string Title => Document["title"].Text;
        public string Detail => Document["detail"].Text;
        public string RequestId => Document["requestId"].Text;

        /// <summary>All of it; `errors` has particulars, such as the reasons of photographs.</summary>
        public Json Document { get; }

        /// <summary>Seconds until another try makes sense; null where nobody tells.</summary>
        public double? RetryAfter { get; }
    }
}
