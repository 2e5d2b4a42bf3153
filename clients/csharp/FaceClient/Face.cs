using System.Collections.Generic;
using System.Linq;

namespace FaceClient
{
    /// <summary>Where a face comes from: photographs, or one of the sources without any. The content of a picture file,
    /// such as Texture2D.EncodeToJPG, is one by itself.</summary>
    public sealed class Face
    {
        readonly string name;
        readonly object source;

        Face(IReadOnlyList<byte[]> files, string name, object source)
        {
            Files = files;
            this.name = name;
            this.source = source;
        }

        /// <summary>null where it comes from elsewhere.</summary>
        internal IReadOnlyList<byte[]> Files { get; }

        public static implicit operator Face(byte[] photo) => Photos(photo);

        public static Face Photos(params byte[][] photos) => new Face(photos, null, null);

        /// <summary>The camera of the service's own machine.</summary>
        public static Face Camera(int? maxFrames = null) =>
            new Face(null, "camera", new Fields { { "maxFrames", maxFrames } });

        /// <summary>A folder of the service's machine, below image_roots.</summary>
        public static Face Directory(string dirPath, int? maxImages = null) =>
            new Face(null, "directory", new Fields { { "dirPath", dirPath }, { "maxImages", maxImages } });

        /// <summary>512 numbers of the served model; the key needs the scope `embedding` as well.</summary>
        public static Face Embedding(IEnumerable<float> numbers) => new Face(null, "embedding", numbers.ToList());

        /// <summary>The frontal frame of a session that was gone through.</summary>
        public static Face LivenessSession(string sessionId) => new Face(null, "livenessSession", sessionId);

        internal void AddTo(Fields fields) => fields.Add(name, source);
    }

    /// <summary>What is said in a call, by the names of the service. What is null is left out.</summary>
    sealed class Fields : Dictionary<string, object>
    {
        public new void Add(string name, object value)
        {
            if (value != null) this[name] = value;
        }
    }
}
