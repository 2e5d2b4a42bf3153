using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace FaceClient
{
    /// <summary>Sends calls, and again where that may come right. Continues on the thread of its caller: Unity's main
    /// thread, where requests must begin.</summary>
    sealed class Connection
    {
        /// <summary>Seconds where the service names none; each further one is twice as long.</summary>
        const double FirstPause = 0.5;

        readonly IHttp http;
        readonly Retries retries;
        readonly TimeSpan timeout;
        readonly Dictionary<string, string> headers = new Dictionary<string, string> { { "Accept", "application/json" } };

        internal Connection(string url, string key, string language, IHttp http, Retries retries, TimeSpan timeout)
        {
            Url = new Uri(url).AbsoluteUri.TrimEnd('/');
            this.http = http;
            this.retries = retries;
            this.timeout = timeout;
            if (language != null) headers["Accept-Language"] = language;
            if (key != null) headers["Authorization"] = "Bearer " + Checked(key.Trim());
        }

        internal string Url { get; }

        internal async Task<HttpAnswer> Send(Call call, CancellationToken cancel)
        {
            for (var tries = 1; ; tries++)
            {
                HttpAnswer answer = null;
                ServiceUnreachableException lost = null;
                try
                {
                    answer = await http.SendAsync(call.Request(Url, headers, timeout), cancel);
                }
                catch (ServiceUnreachableException error)
                {
                    lost = error;
                }
                var pause = PauseAfter(call, answer, lost, tries);
                if (pause == null) return answer == null ? throw lost : Accepted(call, answer);
                await Task.Delay(TimeSpan.FromSeconds(pause.Value), cancel);
            }
        }

        /// <summary>Seconds until the next try, null for none. `tries`: how many there were.</summary>
        double? PauseAfter(Call call, HttpAnswer answer, ServiceUnreachableException lost, int tries)
        {
            var again = answer == null ? !call.Once && !lost.Late : MayComeRight(call, answer);
            if (tries > retries.Most || !again) return null;
            var spread = 0.5 + new Random().NextDouble() / 2; // so that many clients do not come back together
            var pause = Seconds(answer?.RetryAfter) ?? FirstPause * Math.Pow(2, tries - 1) * spread;
            return pause <= retries.LongestWait ? pause : (double?)null;
        }

        static bool MayComeRight(Call call, HttpAnswer answer)
        {
            if (answer.Status == call.Accepted) return false;
            if (answer.Status == 503) return !call.Once || Document(answer)["code"].Text == Codes.Overloaded;
            return answer.Status == 429;
        }

        static HttpAnswer Accepted(Call call, HttpAnswer answer)
        {
            if (answer.Status / 100 == 2 || answer.Status == call.Accepted) return answer;
            if (answer.Status / 100 == 3)
                throw new UnexpectedAnswerException(
                    answer.Status, "a redirect, which is not followed: give the client the address it leads to");
            var document = Document(answer);
            if (document["code"].Text != null)
                throw new ProblemException(answer.Status, document, Seconds(answer.RetryAfter));
            throw new UnexpectedAnswerException(answer.Status, "no problem document of the service");
        }

        static Json Document(HttpAnswer answer)
        {
            try
            {
                return Json.Parse(answer.Text);
            }
            catch (FormatException)
            {
                return Json.Of(null);
            }
        }

        /// <summary>null where it is not there. A date, as some proxies send, is as none.</summary>
        static double? Seconds(string retryAfter) =>
            int.TryParse(retryAfter, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
                ? seconds
                : (double?)null;

        /// <summary>A key that no header can hold is refused here, where it is not quoted.</summary>
        static string Checked(string key) =>
            key != "" && key.All(each => each > ' ' && each <= '~') ? key : throw new ArgumentException("this is no API key");
    }
}
