// `auth.providers` and `auth.return_to`: signing in with an identity provider.
#include <algorithm>

#include "model/read.h"

namespace mettle::model {

namespace {

using Kind = IdentityProvider::Kind;

struct Known {
  std::string_view name, label, issuer;
  Kind kind;
  std::vector<std::string> scopes;
};
const std::vector<Known>& known_providers() {
  static const std::vector<Known> known{
      {"google",
       "Google",
       "https://accounts.google.com",
       Kind::kOidc,
       {"openid", "email", "profile"}},
      {"github", "GitHub", "https://github.com", Kind::kGithub, {"read:user", "user:email"}},
      {"apple", "Apple", "https://appleid.apple.com", Kind::kApple, {"openid", "email", "name"}},
      {"microsoft",
       "Microsoft",
       "https://login.microsoftonline.com",
       Kind::kMicrosoft,
       {"openid", "email", "profile"}},
  };
  return known;
}

bool has_only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}
constexpr std::string_view kWord =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";

// The host of an http address, without port; empty where that is none.
std::string_view host_of(std::string_view url) {
  const size_t begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  std::string_view host = url.substr(begin + 3);
  host = host.substr(0, host.find_first_of("/?#"));
  if (host.find('@') != std::string_view::npos) return {};
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

// https, or http on this very machine.
bool is_safe_address(std::string_view url) {
  const bool plain = std::ranges::all_of(
      url, [](char c) { return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '#'; });
  const std::string_view host = host_of(url);
  if (!plain || host.empty()) return false;
  if (url.starts_with("https://")) return true;
  return url.starts_with("http://") &&
         (host == "127.0.0.1" || host == "[::1]" || host == "localhost");
}

// RFC 8252 section 7.1: a scheme of one's own is a domain of one's own turned round.
bool is_private_scheme(std::string_view url) {
  const std::string_view scheme = url.substr(0, url.find(':'));
  return scheme.size() < url.size() && scheme.find('.') != std::string_view::npos &&
         has_only(scheme, kWord) && url.find_first_of("#\"\\ \t\n") == std::string_view::npos;
}

class ProviderReader {
 public:
  ProviderReader(Reading& in, const std::string& name, const Node& node, Pos pos)
      : in_(in), node_(node), path_("auth.providers." + name) {
    made_.name = name;
    made_.pos = pos;
  }

  void read() {
    const auto& all = known_providers();
    const auto known =
        std::ranges::find_if(all, [this](const Known& one) { return one.name == made_.name; });
    made_.client_id = filled("client_id").value_or("");
    made_.label = made_.name;
    made_.scopes = {"openid", "email", "profile"};
    if (known != all.end()) {
      made_.kind = known->kind;
      made_.label = known->label;
      made_.scopes = known->scopes;
      made_.issuer = known->issuer;
    }
    made_.label = read_text(node_, "label").value_or(made_.label);
    issuer(known != all.end());
    scopes();
    made_.client_secret = secret("client_secret");
    made_.private_key = secret("private_key");
    made_.team_id = word("team_id");
    made_.key_id = word("key_id");
    made_.tenant = word("tenant");
    const auto mode = read_text(node_, "response_mode");
    made_.form_post = mode ? *mode == "form_post" : made_.kind == Kind::kApple;
    keys_of_kind();
    in_.app.auth.providers.push_back(std::move(made_));
  }

 private:
  void error(std::string_view key, std::string code, std::string message, std::string fix = {}) {
    in_.error(key_pos(node_, key), join(path_, key), std::move(code), std::move(message),
              std::move(fix));
  }

  void issuer(bool known) {
    const auto given = filled("issuer");
    if (known && made_.kind != Kind::kGithub) {
      if (given) {
        error("issuer", "idle_key",
              "the issuer of " + made_.name + " is known; call a provider of your own otherwise");
      }
      return;
    }
    if (!given) {
      if (!known && node_.find_key("issuer") == nullptr) {
        in_.error(made_.pos, path_, "missing_key",
                  "a provider that is none of google, github, apple and microsoft needs its issuer",
                  "issuer: https://id.acme.example");
      }
      return;
    }
    if (given->empty()) return;  // a variable that is not set: said before
    if (!is_safe_address(*given) || given->find('?') != std::string::npos) {
      error("issuer", "invalid_url",
            "an issuer begins with https://, or with http:// on loopback, and has no query",
            "issuer: https://id.acme.example");
      return;
    }
    made_.issuer = *given;
  }

  void scopes() {
    const Node* list = node_.find("scopes");
    if (list == nullptr || !list->is_list()) return;
    made_.scopes.clear();
    for (const Node& scope : list->elements) {
      if (scope.is_scalar() && !scope.refused) made_.scopes.push_back(scope.text());
    }
    const bool openid =
        std::ranges::find(made_.scopes, std::string("openid")) != made_.scopes.end();
    if (made_.kind != Kind::kGithub && !openid) {
      error("scopes", "not_allowed", "without `openid` the provider does not say who it is",
            "scopes: [openid, email]");
    }
  }

  // What may be another in tests and in production.
  std::optional<std::string> filled(std::string_view key) {
    const Node* node = node_.find(key);
    if (node == nullptr || !node->is_scalar() || node->refused) return std::nullopt;
    return with_environment(in_, *node, join(path_, key));
  }

  // What only the environment may hold.
  std::string secret(std::string_view key) {
    const Node* node = node_.find(key);
    if (node == nullptr || !node->is_scalar() || node->refused) return {};
    const std::string& text = node->text();
    const bool variable =
        text.starts_with("${") && text.ends_with('}') && text.find('}') == text.size() - 1;
    if (!variable) {
      in_.error(node->pos, join(path_, key), "secret_in_file",
                "a secret stands in the environment, not in a file that others read; change this "
                "one, it is known now",
                std::string(key) + ": \"${ACME_SECRET}\"");
      return {};
    }
    return with_environment(in_, *node, join(path_, key));
  }

  std::string word(std::string_view key) {
    const auto text = read_text(node_, key);
    if (!text) return {};
    if (text->empty() || !has_only(*text, kWord)) {
      error(key, "not_allowed", "`" + std::string(key) + "` has letters, digits, . - _ alone");
    }
    return *text;
  }

  void only_for(std::string_view key, Kind kind, std::string_view name) {
    if (made_.kind == kind || node_.find_key(key) == nullptr) return;
    error(key, "idle_key", "`" + std::string(key) + "` is for " + std::string(name) + " alone");
  }
  void required(std::string_view key) {
    if (node_.find_key(key) != nullptr) return;
    in_.error(made_.pos, path_, "missing_key", made_.name + " needs `" + std::string(key) + "`");
  }

  void keys_of_kind() {
    only_for("tenant", Kind::kMicrosoft, "microsoft");
    for (const std::string_view key : {"team_id", "key_id", "private_key"}) {
      only_for(key, Kind::kApple, "apple");
      if (made_.kind == Kind::kApple) required(key);
    }
    if (made_.kind == Kind::kApple && node_.find_key("client_secret") != nullptr) {
      error("client_secret", "idle_key",
            "apple takes no secret but a token that is signed with `private_key`");
    }
    if (made_.kind == Kind::kMicrosoft && made_.tenant.empty()) made_.tenant = "common";
    const bool named =
        made_.name == "google" || made_.kind == Kind::kGithub || made_.kind == Kind::kMicrosoft;
    if (named) required("client_secret");
  }

  Reading& in_;
  const Node& node_;
  const std::string path_;
  IdentityProvider made_;
};

void read_return_to(Reading& in, const Node& auth) {
  const Node* list = auth.find("return_to");
  if (list == nullptr || !list->is_list()) return;
  for (size_t i = 0; i < list->elements.size(); ++i) {
    const Node& url = list->elements[i];
    if (!url.is_scalar() || url.refused) continue;
    if (!is_safe_address(url.text()) && !is_private_scheme(url.text())) {
      in.error(url.pos, "auth.return_to." + std::to_string(i), "invalid_url",
               "an address of https, of http on loopback, or of a scheme with a dot in it, without "
               "a fragment",
               "return_to: [\"https://shop.example/signed-in\"]");
      continue;
    }
    in.app.auth.return_to.push_back(url.text());
  }
}

}  // namespace

void read_providers(Reading& in, const Node& auth) {
  read_return_to(in, auth);
  const Node* providers = find_map(auth, "providers");
  if (providers == nullptr) return;
  for (const auto& [name, provider] : providers->members) {
    if (!provider.is_map() || provider.refused || name.refused) continue;
    ProviderReader(in, name.text(), provider, name.pos).read();
  }
}

}  // namespace mettle::model
