#include "daemon/app/daemon.h"
#include "daemon/app/production.h"

int main(int argc, char** argv) {
  return parley::app::DaemonMain(argc, argv,
                                 parley::app::ProductionDependencies());
}
