using System;
using System.Collections;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace FaceClient
{
    /// <summary>A value of JSON, without reflection: Unity's JsonUtility reads no null, no dictionary and no list at
    /// the top, and what uses reflection is stripped by IL2CPP.</summary>
    public sealed class Json
    {
        /// <summary>Deeper ones are refused: the reader calls itself.</summary>
        const int Deepest = 64;

        /// <summary>null, bool, double, string, List of Json or Dictionary of Json by name.</summary>
        readonly object value;

        static readonly List<Json> None = new List<Json>();

        Json(object value)
        {
            this.value = value;
        }

        /// <summary>Of a text, a number, a bool, a dictionary by name, a sequence, null, or another Json.</summary>
        public static Json Of(object value)
        {
            if (value is Json json) return json;
            if (value == null || value is bool || value is string) return new Json(value);
            if (value is IDictionary fields) return new Json(Named(fields));
            if (value is IEnumerable items) return new Json(items.Cast<object>().Select(Of).ToList());
            return new Json(Convert.ToDouble(value, CultureInfo.InvariantCulture));
        }

        static Dictionary<string, Json> Named(IDictionary fields)
        {
            var named = new Dictionary<string, Json>();
            foreach (DictionaryEntry field in fields) named[(string)field.Key] = Of(field.Value);
            return named;
        }

        /// <summary>Throws FormatException.</summary>
        public static Json Parse(string text)
        {
            var at = 0;
            var found = Read(text, ref at, 0);
            Skip(text, ref at);
            if (at != text.Length) throw Wrong(at);
            return found;
        }

        public bool IsNull => value == null;
        
        /// <summary>null where it is null or something else.</summary>
        public string Text => value as string;
        public bool Bool => value is bool yes && yes;
        public double? Number => value as double?;
        public int? Integer => value is double number ? (int?)number : null;
        public IReadOnlyList<Json> Items => value as List<Json> ?? None;

        /// <summary>A value that is null where there is no such field.</summary>
        public Json this[string name] =>
            value is Dictionary<string, Json> fields && fields.TryGetValue(name, out var found) ? found : new Json(null);

        public override string ToString()
        {
            var text = new StringBuilder();
            Write(text);
            return text.ToString();
        }

        void Write(StringBuilder text)
        {
            if (value == null) text.Append("null");
            else if (value is bool yes) text.Append(yes ? "true" : "false");
            else if (value is double number) text.Append(number.ToString("R", CultureInfo.InvariantCulture));
            else if (value is string words) WriteText(text, words);
            else if (value is List<Json> items) WriteItems(text, items);
            else WriteFields(text, (Dictionary<string, Json>)value);
        }

        static void WriteItems(StringBuilder text, List<Json> items)
        {
            text.Append('[');
            for (var at = 0; at < items.Count; at++)
            {
                if (at > 0) text.Append(',');
                items[at].Write(text);
            }
            text.Append(']');
        }

        static void WriteFields(StringBuilder text, Dictionary<string, Json> fields)
        {
            var between = '{';
            foreach (var field in fields)
            {
                text.Append(between);
                WriteText(text, field.Key);
                text.Append(':');
                field.Value.Write(text);
                between = ',';
            }
            text.Append(fields.Count == 0 ? "{}" : "}");
        }

        static void WriteText(StringBuilder text, string words)
        {
            text.Append('"');
            foreach (var each in words)
            {
                if (each == '"' || each == '\\') text.Append('\\').Append(each);
                else if (each < ' ') text.Append("\\u").Append(((int)each).ToString("x4"));
                else text.Append(each);
            }
            text.Append('"');
        }

        static Json Read(string text, ref int at, int depth)
        {
            if (depth > Deepest) throw Wrong(at);
            Skip(text, ref at);
            switch (Peek(text, at))
            {
                case '{': return new Json(ReadFields(text, ref at, depth));
                case '[': return new Json(ReadItems(text, ref at, depth));
                case '"': return new Json(ReadText(text, ref at));
                case 't': return ReadWord(text, ref at, "true", true);
                case 'f': return ReadWord(text, ref at, "false", false);
                case 'n': return ReadWord(text, ref at, "null", null);
                default: return new Json(ReadNumber(text, ref at));
            }
        }

        static Dictionary<string, Json> ReadFields(string text, ref int at, int depth)
        {
            var fields = new Dictionary<string, Json>();
            at++;
            while (!Ends(text, ref at, '}', fields.Count))
            {
                var name = ReadText(text, ref at);
                Skip(text, ref at);
                Take(text, ref at, ':');
                fields[name] = Read(text, ref at, depth + 1);
            }
            return fields;
        }

        static List<Json> ReadItems(string text, ref int at, int depth)
        {
            var items = new List<Json>();
            at++;
            while (!Ends(text, ref at, ']', items.Count)) items.Add(Read(text, ref at, depth + 1));
            return items;
        }

        /// <summary>Whether the list is at its end, else past the comma before what comes next.</summary>
        static bool Ends(string text, ref int at, char end, int before)
        {
            Skip(text, ref at);
            if (Peek(text, at) == end)
            {
                at++;
                return true;
            }
            if (before > 0) Take(text, ref at, ',');
            Skip(text, ref at);
            return false;
        }

        static string ReadText(string text, ref int at)
        {
            Take(text, ref at, '"');
            var words = new StringBuilder();
            for (char each; (each = Peek(text, at)) != '"'; at++)
            {
                if (each < ' ') throw Wrong(at);
                words.Append(each == '\\' ? ReadEscaped(text, ref at) : each);
            }
            at++;
            return words.ToString();
        }

        /// <summary>Leaves at the last character of it.</summary>
        static char ReadEscaped(string text, ref int at)
        {
            var each = Peek(text, ++at);
            if (each == 'u')
            {
                at += 4;
                if (at >= text.Length) throw Wrong(at);
                return (char)ushort.Parse(text.Substring(at - 3, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            }
            var meant = "\"\\/bfnrt".IndexOf(each);
            return meant < 0 ? throw Wrong(at) : "\"\\/\b\f\n\r\t"[meant];
        }

        static double ReadNumber(string text, ref int at)
        {
            var start = at;
            while (at < text.Length && "+-.0123456789eE".IndexOf(text[at]) >= 0) at++;
            return double.Parse(text.Substring(start, at - start), NumberStyles.Float, CultureInfo.InvariantCulture);
        }

        static Json ReadWord(string text, ref int at, string word, object meant)
        {
            if (string.CompareOrdinal(text, at, word, 0, word.Length) != 0) throw Wrong(at);
            at += word.Length;
            return new Json(meant);
        }

        static void Skip(string text, ref int at)
        {
            while (at < text.Length && " \t\r\n".IndexOf(text[at]) >= 0) at++;
        }

        static void Take(string text, ref int at, char wanted)
        {
            if (Peek(text, at) != wanted) throw Wrong(at);
            at++;
        }

        static char Peek(string text, int at) => at < text.Length ? text[at] : throw Wrong(at);

        static FormatException Wrong(int at) => new FormatException("not JSON, at " + at);
    }
}
