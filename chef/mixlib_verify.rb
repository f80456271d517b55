# Copyright 2026 The Rehai Authors
# SPDX-License-Identifier: Apache-2.0
#
# Asks mixlib-authentication, the library behind Chef's own tools, whether
# requests are signed as it would sign them. Reads one JSON object a line:
#   {"public_key": PEM, "method": "PUT", "path": "/nodes/x",
#    "body": BASE64, "headers": {"X-Ops-Sign": "...", ...}}
# and answers each with one line, "valid" or "refused".

require "base64"
require "json"
require "openssl"
require "time"
require "mixlib/authentication/signatureverification"

# The parts of a Rack request that mixlib-authentication looks at.
class SignedRequest
  attr_reader :env, :path, :raw_post

  def initialize(call)
    @path = call["path"]
    @raw_post = Base64.strict_decode64(call["body"])
    @env = { "REQUEST_METHOD" => call["method"], "HTTP_HOST" => "localhost" }
    call["headers"].each do |name, value|
      @env["HTTP_" + name.upcase.tr("-", "_")] = value
    end
  end

  def params
    {}
  end

  def method
    @env["REQUEST_METHOD"]
  end
end

keys = Hash.new { |known, pem| known[pem] = OpenSSL::PKey::RSA.new(pem) }

$stdout.sync = true
$stdin.each_line do |line|
  call = JSON.parse(line)
  begin
    verification = Mixlib::Authentication::SignatureVerification.new
    valid = verification.authenticate_user_request(
      SignedRequest.new(call), keys[call["public_key"]]
    )
    puts valid ? "valid" : "refused"
  rescue Mixlib::Authentication::AuthenticationError
    puts "refused"
  end
end
