#include "daemon/platform/network_picture.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace parley::platform {

void NetworkPicture::Apply(const NetworkChange& change) {
  if (const auto* link = std::get_if<Link>(&change.what)) {
    ApplyLink(*link, change.removed);
  } else if (const auto* address = std::get_if<Address>(&change.what)) {
    ApplyAddress(*address, change.removed);
  } else {
    ApplyRoute(std::get<Route>(change.what), change.removed);
  }
}

void NetworkPicture::ApplyLink(const Link& link, bool removed) {
  if (!removed) {
    const auto it = links_.find(link.index);
    if (it != links_.end()) {
      it->second = link;
    } else if (links_.size() < kMaxLinks) {
      links_.emplace(link.index, link);
    } else {
      truncated_ = true;
    }
    return;
  }
  links_.erase(link.index);
  // The system does not always tell what went with it, and may give the number
  // to another link.
  for (auto it = addresses_.begin(); it != addresses_.end();) {
    it = it->second.link == link.index ? addresses_.erase(it) : std::next(it);
  }
  for (auto it = routes_.begin(); it != routes_.end();) {
    it = std::get<0>(*it) == link.index ? routes_.erase(it) : std::next(it);
  }
}

void NetworkPicture::ApplyAddress(const Address& address, bool removed) {
  const AddressKey key(address.link, address.bytes, address.prefix_length);
  if (removed) {
    addresses_.erase(key);
  } else if (addresses_.count(key) == 0 && addresses_.size() >= kMaxAddresses) {
    truncated_ = true;
  } else {
    addresses_[key] = address;
  }
}

void NetworkPicture::ApplyRoute(const Route& route, bool removed) {
  if (route.prefix_length > kMaxWidePrefix) return;
  RouteKey key(route.link, route.family, route.table, route.priority,
               route.destination, route.prefix_length, route.gateway);
  if (removed) {
    routes_.erase(key);
  } else if (routes_.count(key) == 0 && routes_.size() >= kMaxRoutes) {
    truncated_ = true;
  } else {
    routes_.insert(std::move(key));
  }
}

const Link* NetworkPicture::FindUsable(int link) const {
  const auto it = links_.find(link);
  const bool usable =
      it != links_.end() && it->second.up && !it->second.loopback;
  return usable ? &it->second : nullptr;
}

bool NetworkPicture::LeadsOut(int link) const {
  const Link* const found = FindUsable(link);
  if (found == nullptr) return false;
  if (found->kind != Link::Kind::kBridge) return true;
  const auto leads_out = [link](const auto& entry) {
    const Link& port = entry.second;
    return port.master == link && port.up && port.kind != Link::Kind::kInner;
  };
  return std::any_of(links_.begin(), links_.end(), leads_out) ||
         std::any_of(routes_.begin(), routes_.end(), [link](const auto& key) {
           return std::get<0>(key) == link;
         });
}

bool NetworkPicture::online() const {
  return std::any_of(
      addresses_.begin(), addresses_.end(), [this](const auto& entry) {
        return entry.second.usable && LeadsOut(entry.second.link);
      });
}

std::string NetworkPicture::Ways() const {
  std::string ways;
  for (const auto& [key, address] : addresses_) {
    if (!address.usable || address.temporary || !LeadsOut(address.link)) {
      continue;
    }
    absl::StrAppend(&ways, "address ", address.link, " ",
                    absl::BytesToHexString(address.bytes), "/",
                    address.prefix_length, "\n");
  }
  for (const auto& [link, family, table, priority, destination, prefix_length,
                    gateway] : routes_) {
    if (link != 0 && FindUsable(link) == nullptr) continue;
    absl::StrAppend(&ways, "route ", link, " ", family, " ", table, " ",
                    priority, " ");
    absl::StrAppend(&ways, absl::BytesToHexString(destination), "/",
                    prefix_length, " via ", absl::BytesToHexString(gateway),
                    "\n");
  }
  return ways;
}

}  // namespace parley::platform
