<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\Heartbeat;

class HeartbeatTest extends TestCase
{
    /**
     * Websites may differ in base currency: that is what a connection of their own is for.
     */
    public function testWebsiteTellsItsOwnCurrency(): void
    {
        $shop = new Shop();
        $shop->connect();
        $shop->connect(2, 'other');
        $shop->settings += [
            'currency/options/base' => 'USD', 'currency/options/base@2' => 'EUR',
            'general/locale/timezone' => 'America/Chicago', 'general/locale/timezone@2' => 'Europe/Berlin',
        ];
        $beat = new Heartbeat($shop->outbox, $shop->server, $shop->versions, $shop->scopes, $shop->clock);
        foreach ([0 => ['USD', 'America/Chicago'], 2 => ['EUR', 'Europe/Berlin']] as $websiteId => $want) {
            $told = $beat->condition($shop->connection->of($websiteId));
            self::assertSame($want, [$told['currency'], $told['time_zone']]);
        }
    }
}
