<?php

declare(strict_types=1);

/**
 * What the classes under test expect of Magento, declared by hand: types, and no behaviour.
 */

// phpcs:disable PSR1.Classes.ClassDeclaration.MultipleClasses

namespace Psr\Log {
    interface LoggerInterface
    {
        public function error($message, array $context = []);
    }
}

namespace Magento\Framework {
    interface UrlInterface
    {
        public const URL_TYPE_WEB = 'web';
    }

    class Phrase
    {
        public function __construct(private string $text, private array $arguments = [])
        {
        }

        public function __toString(): string
        {
            $pairs = [];
            foreach ($this->arguments as $i => $argument) {
                $pairs['%' . ($i + 1)] = (string) $argument;
            }
            return strtr($this->text, $pairs);
        }
    }
}

namespace Magento\Framework\Exception {
    class LocalizedException extends \Exception
    {
        public function __construct(\Magento\Framework\Phrase $phrase)
        {
            parent::__construct((string) $phrase);
        }
    }

    class NoSuchEntityException extends LocalizedException
    {
    }

    class InputException extends LocalizedException
    {
    }

    class AuthorizationException extends LocalizedException
    {
    }
}

namespace Magento\Framework\App {
    class ResourceConnection
    {
        public function getConnection($resourceName = 'default')
        {
            throw new \LogicException('this test has no database');
        }

        public function getTableName($modelEntity, $connectionName = 'default')
        {
            return $modelEntity;
        }
    }

    class Area
    {
        public const AREA_FRONTEND = 'frontend';
        public const AREA_WEBAPI_REST = 'webapi_rest';
        public const AREA_GRAPHQL = 'graphql';
    }

    class State
    {
        public function __construct(private ?string $area = 'frontend')
        {
        }

        public function getAreaCode()
        {
            if ($this->area === null) {
                throw new \Magento\Framework\Exception\LocalizedException(new \Magento\Framework\Phrase('no area'));
            }
            return $this->area;
        }
    }

    interface ProductMetadataInterface
    {
        public function getVersion();

        public function getEdition();

        public function getName();
    }
}

namespace Magento\Framework\App {
    interface CacheInterface
    {
        public function load($identifier);

        public function save($data, $identifier, $tags = [], $lifeTime = null);
    }
}

namespace Magento\Framework\App\Config {
    interface ScopeConfigInterface
    {
        public function getValue($path, $scopeType = 'default', $scopeCode = null);
    }
}

namespace Magento\Framework\DB\Adapter {
    interface AdapterInterface
    {
    }

    class DeadlockException extends \Exception
    {
    }
}

namespace Magento\Framework\Encryption {
    interface EncryptorInterface
    {
        public function encrypt($data);

        public function decrypt($data);
    }
}

namespace Magento\Framework\Stdlib {
    interface CookieManagerInterface
    {
        public function getCookie($name, $default = null);
    }
}

namespace Magento\Store\Model {
    interface ScopeInterface
    {
        public const SCOPE_WEBSITE = 'website';
    }

    interface StoreManagerInterface
    {
        public function getStore($storeId = null);

        public function getWebsites($withDefault = false, $codeKey = false);

        public function getStores($withDefault = false, $codeKey = false);

        public function getDefaultStoreView();

        public function getWebsite($websiteId = null);

        public function getGroup($groupId = null);

        public function setCurrentStore($store);
    }

    class Store
    {
        public function __construct(private string $url, private int $websiteId = 1, private int $id = 1)
        {
        }

        public function getId(): int
        {
            return $this->id;
        }

        public function getBaseUrl($type = 'link', $secure = null): string
        {
            return $this->url;
        }

        public function getWebsiteId(): int
        {
            return $this->websiteId;
        }
    }
}

namespace Magento\Integration\Model {
    class Integration
    {
        public const STATUS_INACTIVE = 0;

        public function __construct(private int $id)
        {
        }

        public function getId(): int
        {
            return $this->id;
        }

        public function getConsumerId(): int
        {
            return 10 + $this->id;
        }
    }
}

namespace Magento\Integration\Api {
    interface IntegrationServiceInterface
    {
        public function create(array $integrationData);

        public function findByName($name);
    }

    interface OauthServiceInterface
    {
        public function postToConsumer($consumerId, $endpointUrl);
    }
}

namespace Magento\Quote\Api\Data {
    interface CartInterface
    {
        public function getId();

        public function getStoreId();
    }
}

namespace Magento\Sales\Model {
    class Order
    {
        public function __construct(private array $data)
        {
        }

        public function __call(string $name, array $arguments): mixed
        {
            if (str_starts_with($name, 'set')) {
                $this->data[lcfirst(substr($name, 3))] = $arguments[0];
            }
            return $this->data[lcfirst(substr($name, 3))] ?? null;
        }
    }
}

namespace {
    function __(string $text, mixed ...$arguments): Magento\Framework\Phrase
    {
        return new Magento\Framework\Phrase($text, $arguments);
    }
}
