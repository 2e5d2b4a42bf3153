using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace FaceClient
{
    /// <summary>What is sent, and what may be done when it fails.</summary>
    sealed class Call
    {
        internal string Method;
        internal string Path;
        internal Fields Query = new Fields();
        internal string IdempotencyKey;

        /// <summary>null for no body. With Photos it is a form, else JSON.</summary>
        internal Fields Body;
        internal IReadOnlyList<byte[]> Photos;

        /// <summary>Done twice it is not as done once, so that a lost answer is not asked for again.</summary>
        internal bool Once;

        /// <summary>A status beside 2xx that brings an answer.</summary>
        internal int Accepted;

        internal static Call About(Face face, string path, Fields fields)
        {
            if (face.Files == null) face.AddTo(fields);
            return new Call { Method = "POST", Path = path, Body = fields, Photos = face.Files };
        }

        /// <summary>An address of these parts, whatever they hold.</summary>
        internal static string PathOf(params string[] parts)
        {
            foreach (var part in parts)
                if (part == "" || part == "." || part == "..")
                    throw new ArgumentException("\"" + part + "\" names nothing");
            return string.Concat(parts.Select(part => "/" + Uri.EscapeDataString(part)));
        }

        internal HttpCall Request(string url, IReadOnlyDictionary<string, string> headers, TimeSpan timeout)
        {
            var all = headers.ToDictionary(header => header.Key, header => header.Value);
            if (IdempotencyKey != null) all["Idempotency-Key"] = IdempotencyKey;
            var query = string.Join("&", Query.Select(one => one.Key + "=" + Uri.EscapeDataString(Text(one.Value))));
            var request = new HttpCall
            {
                Method = Method,
                Address = url + Path + (query == "" ? "" : "?" + query),
                Headers = all,
                Timeout = timeout,
            };
            if (Photos != null) AddForm(request);
            else if (Body != null) AddJson(request);
            return request;
        }

        void AddJson(HttpCall request)
        {
            request.ContentType = "application/json";
            request.Body = Encoding.UTF8.GetBytes(Json.Of(Body).ToString());
        }

        /// <summary>Without the names of files, which may tell who is on them.</summary>
        void AddForm(HttpCall request)
        {
            var boundary = Guid.NewGuid().ToString("N");
            using (var form = new MemoryStream())
            {
                foreach (var field in Body)
                    AddPart(form, boundary, "name=\"" + field.Key + "\"", Encoding.UTF8.GetBytes(Text(field.Value)));
                for (var number = 0; number < Photos.Count; number++)
                    AddPart(form, boundary, "name=\"images\"; filename=\"" + number + "\"", Photos[number]);
                Add(form, "--" + boundary + "--\r\n");
                request.Body = form.ToArray();
            }
            request.ContentType = "multipart/form-data; boundary=" + boundary;
        }

        static void AddPart(Stream form, string boundary, string names, byte[] content)
        {
            Add(form, "--" + boundary + "\r\nContent-Disposition: form-data; " + names + "\r\n\r\n");
            form.Write(content, 0, content.Length);
            Add(form, "\r\n");
        }

        static void Add(Stream form, string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            form.Write(bytes, 0, bytes.Length);
        }

        static string Text(object value) => value as string ?? Json.Of(value).ToString();
    }
}
