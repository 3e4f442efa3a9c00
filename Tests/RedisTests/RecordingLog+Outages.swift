import Logging
import TestKit

extension RecordingLog {
  /// Errors about Redis, and notices that it is back.
  var outagesBegun: Int { lines.count { $0.level == .error && $0.text.hasPrefix("redis failed") } }
  var outagesEnded: Int { lines.count { $0.level == .notice && $0.text.hasPrefix("redis is back") } }
}
