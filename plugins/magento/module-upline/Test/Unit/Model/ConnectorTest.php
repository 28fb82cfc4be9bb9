<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Model;

use Magento\Framework\Exception\LocalizedException;
use Magento\Integration\Api\IntegrationServiceInterface;
use Magento\Integration\Api\OauthServiceInterface;
use Magento\Integration\Model\Integration;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Connector;

class ConnectorTest extends TestCase
{
    private const SERVER = 'https://upline.example.com';

    private Shop $shop;

    /** @var string[] addresses that Magento named as its own */
    private array $named = [];

    private string $fault = '';

    protected function setUp(): void
    {
        $this->shop = new Shop();
        $this->shop->baseUrls = [0 => 'https://shop.example/', 2 => 'https://shop.example.de/'];
    }

    /**
     * The code of a website is for the website's own address, and the server calls no other.
     */
    public function testWebsiteIsConnectedAtItsOwnAddress(): void
    {
        $connector = $this->connector();
        foreach ([0 => 'https://shop.example/', 2 => 'https://shop.example.de/'] as $websiteId => $address) {
            $connector->begin(self::SERVER, str_repeat('c', 43), $websiteId);
            self::assertSame($address, array_pop($this->named));
            self::assertSame('7', $this->shop->connection->of($websiteId)->state(Connection::INTEGRATION));
            self::assertSame(0, $this->shop->stores->getStore()->getId(), 'the admin goes on in its own store view');
        }
    }

    public function testPostThatFailsLeavesTheAdminInItsOwnStoreView(): void
    {
        $this->fault = 'no route to host';
        try {
            $this->connector()->begin(self::SERVER, str_repeat('c', 43), 2);
            self::fail('it was said to have begun');
        } catch (LocalizedException $fault) {
            self::assertStringContainsString('no route to host', $fault->getMessage());
        }
        self::assertSame(0, $this->shop->stores->getStore()->getId());
        self::assertNull($this->shop->connection->of(2)->state('connect_at'));
    }

    private function connector(): Connector
    {
        $integrations = $this->createMock(IntegrationServiceInterface::class);
        $integrations->method('findByName')->willReturn(new Integration(0));
        $integrations->method('create')->willReturn(new Integration(7));
        $oauth = $this->createMock(OauthServiceInterface::class);
        $oauth->method('postToConsumer')->willReturnCallback(function (): string {
            $this->named[] = $this->shop->stores->getStore()->getBaseUrl(); // As Magento's own service does.
            return $this->fault === '' ? 'verifier' : throw new LocalizedException(__($this->fault));
        });
        $shop = $this->shop;
        return new Connector($integrations, $oauth, $shop->connection, $shop->server, $shop->clock, $shop->stores);
    }
}
