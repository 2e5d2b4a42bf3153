using System;
using System.Collections.Generic;

namespace FaceClient
{
    /// <summary>What is null is the collection's own; the collection is then `default`.</summary>
    public class FaceOptions
    {
        public string Collection;
        public string Profile;

        /// <summary>`one` or `dominant`.</summary>
        public string Faces;

        internal virtual void AddTo(Fields fields)
        {
            fields.Add("collection", Collection);
            fields.Add("profile", Profile);
            fields.Add("faces", Faces);
        }
    }

    public sealed class SearchOptions : FaceOptions
    {
        public int? Limit;

        internal override void AddTo(Fields fields)
        {
            base.AddTo(fields);
            fields.Add("limit", Limit);
        }
    }

    public sealed class EnrollOptions : FaceOptions
    {
        /// <summary>`create`, `add` or `replace`.</summary>
        public string Mode;

        /// <summary>`reject`, `flag` or `allow`.</summary>
        public string OnDuplicate;
        public string ConsentReference;
        public DateTimeOffset? ExpiresAt;
        public IDictionary<string, object> Metadata;

        /// <summary>Under the same one a later call returns the first answer; null: the tries of one call share one.</summary>
        public string IdempotencyKey;

        internal override void AddTo(Fields fields)
        {
            base.AddTo(fields);
            fields.Add("mode", Mode);
            fields.Add("onDuplicate", OnDuplicate);
            fields.Add("consentReference", ConsentReference);
            fields.Add("expiresAt", Moments.Text(ExpiresAt));
            fields.Add("metadata", Metadata);
        }
    }

    static class Moments
    {
        /// <summary>RFC 3339.</summary>
        internal static string Text(DateTimeOffset? moment) =>
            moment?.ToString("yyyy-MM-dd'T'HH:mm:ss.fffzzz", System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>Most: further tries of one call. LongestWait: seconds; a call that is to wait longer fails at once.</summary>
    public sealed class Retries
    {
        public int Most = 2;
        public double LongestWait = 10;
    }
}
