package import Bytes
package import ReleaseHealth

/// Times in answers are RFC 3339, in UTC.
extension Timestamp: JSONWritable {
  package func write(to json: inout JSONWriter) { json.value(RFC3339.format(self)) }
}
